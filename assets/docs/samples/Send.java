// Needs Java 17 or newer and nothing else. Try it: java Send.java
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

public class Send {
    static final HttpClient CLIENT = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

    /** Sends one message. `key` names it: the same key is never sent twice within 24 hours. */
    static String sendWhatsApp(String phone, String text, String key) throws IOException, InterruptedException {
        String body = "{\"instance_id\": \"{{instance_id}}\", \"phone\": " + quoted(phone) + ", \"message\": " + quoted(text)
            + ", \"message_purpose\": \"transactional\"}";
        HttpRequest request = HttpRequest.newBuilder(URI.create("{{base_url}}/api/send-message"))
            .timeout(Duration.ofSeconds(20))
            .header("Authorization", "Bearer {{api_key}}")
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        for (int attempt = 1; ; attempt++) {
            HttpResponse<String> answer;
            try {
                answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
            } catch (IOException nothingHeard) {
                // Nothing was heard: the same key makes a second try safe.
                if (attempt >= 5) throw nothingHeard;
                Thread.sleep(1000L << attempt);
                continue;
            }
            long wait = answer.headers().firstValueAsLong("Retry-After").orElse(301);
            if (List.of(409, 429, 503).contains(answer.statusCode()) && wait <= 300 && attempt < 5) {
                Thread.sleep(wait * 1000);
                continue;
            }
            if (answer.statusCode() < 300) return answer.body();
            // "unknown": it may have left. Look at the log, do not send it again under another key.
            String outcome = answer.headers().firstValue("X-Message-Status").orElse("blocked");
            throw new IOException(member(answer.body(), "error") + " (" + outcome + "): " + member(answer.body(), "message"));
        }
    }

    /** A text as JSON. With Jackson or Gson at hand, use those. */
    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        text.chars().forEach(c -> out.append(c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", c) : "" + (char) c));
        return out.append('"').toString();
    }

    /** A text member of an answer. */
    static String member(String json, String name) {
        var found = Pattern.compile("\"" + name + "\":\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        return found.find() ? found.group(1) : "";
    }

    public static void main(String[] arguments) throws Exception {
        String sent = sendWhatsApp("+966501234567", "Your order 2047 has been shipped.", "order-2047-shipped");
        System.out.println(member(sent, "status") + " " + member(sent, "message_id"));
    }
}
