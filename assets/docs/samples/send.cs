// Needs .NET Framework 4.8, Mono 6 or .NET 8 and newer, and no package. With Mono:
// mcs -r:System.Net.Http,System.Runtime.Serialization,System.Xml,System.Xml.Linq send.cs && mono send.exe
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization.Json;
using System.Threading.Tasks;
using System.Xml;
using System.Xml.Linq;

static class Send
{
    static readonly HttpClient Client = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };

    // Sends one message. `key` names it: the same key is never sent twice within 24 hours.
    static async Task<XElement> SendWhatsApp(string phone, string text, string key)
    {
        var fields = new Dictionary<string, string>
        {
            ["instance_id"] = "{{instance_id}}",
            ["phone"] = phone,
            ["message"] = text,
            ["message_purpose"] = "transactional",
        };
        for (var attempt = 1; ; attempt++)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "{{base_url}}/api/send-message");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "{{api_key}}");
            request.Headers.Add("Idempotency-Key", key);
            request.Content = new ByteArrayContent(Json(fields));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            HttpResponseMessage answer;
            try
            {
                answer = await Client.SendAsync(request);
            }
            catch (Exception unheard) when ((unheard is HttpRequestException || unheard is TaskCanceledException) && attempt < 5)
            {
                // Nothing was heard: the same key makes a second try safe.
                await Task.Delay(TimeSpan.FromSeconds(1 << attempt));
                continue;
            }
            using (answer)
            {
                var wait = answer.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(301);
                if (new[] { 409, 429, 503 }.Contains((int)answer.StatusCode) && wait.TotalSeconds <= 300 && attempt < 5)
                {
                    await Task.Delay(wait);
                    continue;
                }
                var said = Parsed(await answer.Content.ReadAsByteArrayAsync());
                if (answer.IsSuccessStatusCode) return said;
                // "unknown": it may have left. Look at the log, do not send it again under another key.
                var status = answer.Headers.Where(header => header.Key == "X-Message-Status").SelectMany(header => header.Value);
                var outcome = status.FirstOrDefault() ?? "blocked";
                throw new Exception($"{said.Element("error")?.Value} ({outcome}): {said.Element("message")?.Value}");
            }
        }
    }

    // The framework's own JSON; with System.Text.Json or Json.NET at hand, use those.
    static byte[] Json(Dictionary<string, string> fields)
    {
        var settings = new DataContractJsonSerializerSettings { UseSimpleDictionaryFormat = true };
        using (var written = new MemoryStream())
        {
            new DataContractJsonSerializer(fields.GetType(), settings).WriteObject(written, fields);
            return written.ToArray();
        }
    }

    static XElement Parsed(byte[] json) =>
        XElement.Load(JsonReaderWriterFactory.CreateJsonReader(json, XmlDictionaryReaderQuotas.Max));

    static void Main()
    {
        var sent = SendWhatsApp("+966501234567", "Your order 2048 has been shipped.", "order-2048-shipped").GetAwaiter().GetResult();
        Console.WriteLine($"{sent.Element("status")?.Value} {sent.Element("message_id")?.Value}");
    }
}
