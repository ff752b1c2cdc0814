// Try it: Program.cs of `dotnet new web` (.NET 8 or newer), then let the gateway call http://127.0.0.1:9000/
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

const string Secret = "YOUR_WEBHOOK_SECRET";

var app = WebApplication.CreateBuilder(args).Build();

app.MapPost("/", async (HttpRequest request) =>
{
    using var read = new MemoryStream();
    await request.Body.CopyToAsync(read);
    var raw = read.ToArray();
    // One of the two is enough: while a new secret is taken over, the first still knows the old one.
    if (!IsStandard(raw, request.Headers) && !IsGateway(raw, request.Headers)) return Results.Unauthorized();
    var message = JsonSerializer.Deserialize<JsonElement>(raw);
    // Deliveries can repeat: remember event_id and skip what you have seen.
    if (message.GetProperty("event").GetString() == "message.received")
        Console.WriteLine($"{message.GetProperty("from")} {message.GetProperty("message_text")}");
    return Results.NoContent();
});

app.Run($"http://127.0.0.1:{Environment.GetEnvironmentVariable("PORT") ?? "9000"}");

static byte[] Mac(byte[] key, string before, byte[] raw) =>
    HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(before).Concat(raw).ToArray());

static bool IsFresh(string moment) =>
    long.TryParse(moment, out var at) && Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - at) <= 300;

static bool Same(string a, string b) =>
    CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b));

// Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature.
static bool IsStandard(byte[] raw, IHeaderDictionary headers)
{
    var moment = headers["webhook-timestamp"].ToString();
    var key = Convert.FromBase64String(Secret["whsec_".Length..]);
    var good = "v1," + Convert.ToBase64String(Mac(key, $"{headers["webhook-id"]}.{moment}.", raw));
    return IsFresh(moment) && headers["webhook-signature"].ToString().Split(' ').Any(one => Same(good, one));
}

// The gateway's own headers: X-WhatsApp-Gateway-Timestamp, X-WhatsApp-Gateway-Signature.
static bool IsGateway(byte[] raw, IHeaderDictionary headers)
{
    var moment = headers["X-WhatsApp-Gateway-Timestamp"].ToString();
    var good = "sha256=" + Convert.ToHexString(Mac(Encoding.UTF8.GetBytes(Secret), $"{moment}.", raw)).ToLowerInvariant();
    return IsFresh(moment) && Same(good, headers["X-WhatsApp-Gateway-Signature"].ToString());
}
