<?php
// Drives the Chattu-style API with a key: BASE, KEY, CLIENT and NUMBER in the environment. Needs nothing but php-cli.
function call(string $method, string $path, ?array $body = null): array
{
    $context = stream_context_create(['http' => [
        'method' => $method,
        'header' => ['x-api-key: ' . getenv('KEY'), 'Content-Type: application/json; charset=utf-8'],
        'content' => $body === null ? '' : json_encode($body, JSON_UNESCAPED_UNICODE),
        'ignore_errors' => true,
        'timeout' => 30,
    ]]);
    $text = file_get_contents(getenv('BASE') . $path, false, $context);
    preg_match('/ (\d{3}) /', $http_response_header[0] . ' ', $status);
    return [(int) $status[1], json_decode($text, true)];
}

function expect(int $status, array $found): array
{
    if ($found[0] !== $status) {
        fwrite(STDERR, "expected $status, got {$found[0]}: " . json_encode($found[1]) . "\n");
        exit(1);
    }
    return $found[1] ?? [];
}

$client = getenv('CLIENT');
expect(200, call('GET', '/api/profile'));
expect(200, call('GET', '/api/clients'));
$text = 'Hello from PHP, שלום 👋';
$sent = expect(200, call('POST', '/api/send-message', ['clientId' => $client, 'number' => getenv('NUMBER'), 'message' => $text]));
if ($sent['message']['body'] !== $text) {
    fwrite(STDERR, "the text came back changed\n");
    exit(1);
}
expect(200, call('GET', '/api/sent-messages'));
expect(200, call('GET', "/api/received-messages/$client"));
expect(200, call('GET', "/api/incoming-calls/$client"));
expect(200, call('GET', '/api/call-logs'));
expect(200, call('GET', "/api/groups/$client"));
$planned = expect(201, call('POST', '/schedule-message', ['clientId' => $client, 'number' => getenv('NUMBER'),
    'message' => 'Scheduled hello', 'scheduleTime' => '2099-10-06T18:30:00Z']));
expect(200, call('DELETE', '/scheduled-messages/' . $planned['id']));
echo "php: done\n";
