// Try it: java Receive.java, then let the gateway call http://127.0.0.1:9000/
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receive {
    static final String SECRET = "YOUR_WEBHOOK_SECRET";

    static byte[] mac(byte[] key, String before, byte[] raw) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update(before.getBytes(StandardCharsets.UTF_8));
        return mac.doFinal(raw);
    }

    static String header(Headers headers, String name) {
        String value = headers.getFirst(name);
        return value == null ? "" : value;
    }

    static boolean isFresh(String moment) {
        return moment.matches("\\d{1,12}") && Math.abs(Instant.now().getEpochSecond() - Long.parseLong(moment)) <= 300;
    }

    static boolean same(String a, String b) {
        return MessageDigest.isEqual(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
    }

    /** Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature. */
    static boolean isStandard(byte[] raw, Headers headers) throws Exception {
        String moment = header(headers, "webhook-timestamp");
        byte[] key = Base64.getDecoder().decode(SECRET.substring("whsec_".length()));
        byte[] sum = mac(key, header(headers, "webhook-id") + "." + moment + ".", raw);
        String good = "v1," + Base64.getEncoder().encodeToString(sum);
        boolean found = false;
        for (String one : header(headers, "webhook-signature").split(" ")) found |= same(good, one);
        return found && isFresh(moment);
    }

    /** The gateway's own headers: X-WhatsApp-Gateway-Timestamp, X-WhatsApp-Gateway-Signature. */
    static boolean isGateway(byte[] raw, Headers headers) throws Exception {
        String moment = header(headers, "X-WhatsApp-Gateway-Timestamp");
        byte[] sum = mac(SECRET.getBytes(StandardCharsets.UTF_8), moment + ".", raw);
        return isFresh(moment) && same("sha256=" + HexFormat.of().formatHex(sum), header(headers, "X-WhatsApp-Gateway-Signature"));
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "9000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            byte[] raw = exchange.getRequestBody().readAllBytes();
            boolean believed = false;
            try {
                // One of the two is enough: while a new secret is taken over, the first still knows the old one.
                believed = isStandard(raw, exchange.getRequestHeaders()) || isGateway(raw, exchange.getRequestHeaders());
            } catch (Exception e) {
                System.err.println(e);
            }
            // Parse the JSON with what you have at hand. Deliveries can repeat: remember event_id and skip what you have seen.
            if (believed) System.out.println(new String(raw, StandardCharsets.UTF_8));
            exchange.sendResponseHeaders(believed ? 204 : 401, -1);
            exchange.close();
        });
        server.start();
    }
}
