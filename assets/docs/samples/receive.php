<?php
// Put it on your web server, or try it: php -S 127.0.0.1:9000 receive.php
const SECRET = 'YOUR_WEBHOOK_SECRET';

/** Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature. */
function is_standard(string $raw, array $server): bool
{
    $id = $server['HTTP_WEBHOOK_ID'] ?? '';
    $time = $server['HTTP_WEBHOOK_TIMESTAMP'] ?? '0';
    $key = base64_decode(substr(SECRET, strlen('whsec_')));
    $good = base64_encode(hash_hmac('sha256', "$id.$time.$raw", $key, true));
    $is_match = false;
    foreach (explode(' ', $server['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
        $is_match = hash_equals("v1,$good", $signature) || $is_match;
    }
    return $is_match && abs(time() - (int) $time) <= 300;
}

/** The gateway's own headers: X-WhatsApp-Gateway-Timestamp, X-WhatsApp-Gateway-Signature. */
function is_gateway(string $raw, array $server): bool
{
    $time = $server['HTTP_X_WHATSAPP_GATEWAY_TIMESTAMP'] ?? '0';
    $good = 'sha256=' . hash_hmac('sha256', "$time.$raw", SECRET);
    return hash_equals($good, $server['HTTP_X_WHATSAPP_GATEWAY_SIGNATURE'] ?? '')
        && abs(time() - (int) $time) <= 300;
}

$raw = file_get_contents('php://input');
// One of the two is enough: while a new secret is taken over, the first still knows the old one.
if (!is_standard($raw, $_SERVER) && !is_gateway($raw, $_SERVER)) {
    http_response_code(401);
    exit;
}
$event = json_decode($raw, true);
// Deliveries can repeat: remember $event['event_id'] and skip what you have seen.
if ($event['event'] === 'message.received') {
    error_log("{$event['from']}: {$event['message_text']}");
}
http_response_code(204);
