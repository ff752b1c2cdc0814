<?php
// Needs PHP 8 and nothing else.

/** Sends one message. $key names it: the same key is never sent twice within 24 hours. */
function send_whatsapp(string $phone, string $text, string $key): array
{
    $body = json_encode([
        'instance_id' => '{{instance_id}}',
        'phone' => $phone,
        'message' => $text,
        'message_purpose' => 'transactional',
    ]);
    for ($attempt = 1; ; $attempt++) {
        $answer = @file_get_contents('{{base_url}}/api/send-message', false, stream_context_create(['http' => [
            'method' => 'POST',
            'header' => [
                'Authorization: Bearer {{api_key}}',
                'Content-Type: application/json',
                "Idempotency-Key: $key",
            ],
            'content' => $body,
            'timeout' => 20,
            'ignore_errors' => true,
        ]]));
        if ($answer === false) {
            // Nothing was heard: the same key makes a second try safe.
            if ($attempt >= 5) {
                throw new RuntimeException('The gateway cannot be reached.');
            }
            sleep(2 ** $attempt);
            continue;
        }
        $status = (int) explode(' ', $http_response_header[0])[1];
        $headers = [];
        foreach (array_slice($http_response_header, 1) as $line) {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $headers[strtolower($name)] = trim($value);
        }
        if (in_array($status, [409, 429, 503]) && ($headers['retry-after'] ?? 301) <= 300 && $attempt < 5) {
            sleep((int) $headers['retry-after']);
            continue;
        }
        $answer = json_decode($answer, true);
        if ($status < 300) {
            return $answer;
        }
        // "unknown": it may have left. Look at the log, do not send it again under another key.
        $outcome = $headers['x-message-status'] ?? 'blocked';
        throw new RuntimeException("{$answer['error']} ($outcome): {$answer['message']}");
    }
}

$sent = send_whatsapp('+966501234567', 'Your order 2043 has been shipped.', 'order-2043-shipped');
echo "{$sent['status']} {$sent['message_id']}\n";
