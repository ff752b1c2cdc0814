// Needs .NET Framework 4.8, Mono 6 or .NET 8 and newer, and no package. With Mono:
// mcs -r:System.Runtime.Serialization,System.Xml,System.Xml.Linq receive.cs && mono receive.exe
// Then let the gateway call http://127.0.0.1:9000/
using System;
using System.Collections.Specialized;
using System.IO;
using System.Linq;
using System.Net;
using System.Runtime.Serialization.Json;
using System.Security.Cryptography;
using System.Text;
using System.Xml;
using System.Xml.Linq;

static class Receive
{
    const string Secret = "YOUR_WEBHOOK_SECRET";

    static string Mac(byte[] key, string before, byte[] raw, Func<byte[], string> written)
    {
        using (var mac = new HMACSHA256(key)) return written(mac.ComputeHash(Encoding.UTF8.GetBytes(before).Concat(raw).ToArray()));
    }

    static bool IsFresh(string moment) =>
        long.TryParse(moment, out var at) && Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - at) <= 300;

    // Takes as long for a wrong one as for a right one.
    static bool Same(string a, string b)
    {
        var differs = a.Length ^ b.Length;
        for (var i = 0; i < a.Length && i < b.Length; i++) differs |= a[i] ^ b[i];
        return differs == 0;
    }

    // Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature.
    static bool IsStandard(byte[] raw, NameValueCollection headers)
    {
        var moment = headers["webhook-timestamp"];
        var key = Convert.FromBase64String(Secret.Substring("whsec_".Length));
        var good = "v1," + Mac(key, $"{headers["webhook-id"]}.{moment}.", raw, Convert.ToBase64String);
        return IsFresh(moment) && (headers["webhook-signature"] ?? "").Split(' ').Any(one => Same(good, one));
    }

    // The gateway's own headers: X-WhatsApp-Gateway-Timestamp, X-WhatsApp-Gateway-Signature.
    static bool IsGateway(byte[] raw, NameValueCollection headers)
    {
        var moment = headers["X-WhatsApp-Gateway-Timestamp"];
        Func<byte[], string> hex = sum => BitConverter.ToString(sum).Replace("-", "").ToLowerInvariant();
        var good = "sha256=" + Mac(Encoding.UTF8.GetBytes(Secret), $"{moment}.", raw, hex);
        return IsFresh(moment) && Same(good, headers["X-WhatsApp-Gateway-Signature"] ?? "");
    }

    static void Main()
    {
        var server = new HttpListener();
        server.Prefixes.Add($"http://127.0.0.1:{Environment.GetEnvironmentVariable("PORT") ?? "9000"}/");
        server.Start();
        while (true)
        {
            var call = server.GetContext();
            var read = new MemoryStream();
            call.Request.InputStream.CopyTo(read);
            var raw = read.ToArray();
            // One of the two is enough: while a new secret is taken over, the first still knows the old one.
            var isBelieved = IsStandard(raw, call.Request.Headers) || IsGateway(raw, call.Request.Headers);
            if (isBelieved)
            {
                // The framework's own JSON; with System.Text.Json or Json.NET at hand, use those.
                var message = XElement.Load(JsonReaderWriterFactory.CreateJsonReader(raw, XmlDictionaryReaderQuotas.Max));
                // Deliveries can repeat: remember event_id and skip what you have seen.
                if (message.Element("event")?.Value == "message.received")
                    Console.WriteLine($"{message.Element("from")?.Value} {message.Element("message_text")?.Value}");
            }
            call.Response.StatusCode = isBelieved ? 204 : 401;
            call.Response.Close();
        }
    }
}
