// Needs .NET 8 or newer and nothing else: Program.cs of `dotnet new console`, or `dotnet run send.cs` with .NET 10.
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };

var sent = await SendWhatsApp("+966501234567", "Your order 2048 has been shipped.", "order-2048-shipped");
Console.WriteLine($"{sent.GetProperty("status")} {sent.GetProperty("message_id")}");

// Sends one message. `key` names it: the same key is never sent twice within 24 hours.
async Task<JsonElement> SendWhatsApp(string phone, string text, string key)
{
    for (var attempt = 1; ; attempt++)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "{{base_url}}/api/send-message");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "{{api_key}}");
        request.Headers.Add("Idempotency-Key", key);
        var fields = new Dictionary<string, string>
        {
            ["instance_id"] = "{{instance_id}}",
            ["phone"] = phone,
            ["message"] = text,
            ["message_purpose"] = "transactional",
        };
        request.Content = new StringContent(JsonSerializer.Serialize(fields));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        HttpResponseMessage answer;
        try
        {
            answer = await client.SendAsync(request);
        }
        catch (Exception unheard) when (unheard is HttpRequestException or TaskCanceledException && attempt < 5)
        {
            // Nothing was heard: the same key makes a second try safe.
            await Task.Delay(TimeSpan.FromSeconds(1 << attempt));
            continue;
        }
        using (answer)
        {
            var wait = answer.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(301);
            if ((int)answer.StatusCode is 409 or 429 or 503 && wait.TotalSeconds <= 300 && attempt < 5)
            {
                await Task.Delay(wait);
                continue;
            }
            var said = await answer.Content.ReadFromJsonAsync<JsonElement>();
            if (answer.IsSuccessStatusCode) return said;
            // "unknown": it may have left. Look at the log, do not send it again under another key.
            var outcome = answer.Headers.TryGetValues("X-Message-Status", out var found) ? found.First() : "blocked";
            throw new Exception($"{said.GetProperty("error")} ({outcome}): {said.GetProperty("message")}");
        }
    }
}
