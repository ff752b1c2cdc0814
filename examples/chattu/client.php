<?php
// Drives every route of the Chattu-style API. What it reads from the environment is told in README.md; it needs nothing
// but php-cli.
$base = getenv('BASE');
$client = getenv('CLIENT');
$number = getenv('NUMBER');
$key = ['x-api-key: ' . getenv('KEY')];

function must(bool $holds, mixed $why = 'it is not as documented'): void
{
    if (!$holds) {
        fwrite(STDERR, (is_string($why) ? $why : json_encode($why, JSON_UNESCAPED_UNICODE)) . "\n");
        exit(1);
    }
}

/** One request: its status, its headers, its body. */
function exchange(string $method, string $path, array $headers, string $content): array
{
    $context = stream_context_create(['http' => ['method' => $method, 'header' => $headers, 'content' => $content,
        'ignore_errors' => true, 'follow_location' => 0, 'timeout' => 30]]);
    $told = file_get_contents($GLOBALS['base'] . $path, false, $context);
    must($told !== false, "$method $path: no answer");
    preg_match('/ (\d{3})/', $http_response_header[0], $found);
    return [(int) $found[1], implode("\n", $http_response_header), $told];
}

/** One request whose answer must have this status. JSON is read, everything else comes as it is. */
function ask(int $status, string $method, string $path, ?array $body = null, ?array $who = null): mixed
{
    $headers = [...($who ?? $GLOBALS['key']), 'Content-Type: application/json; charset=utf-8'];
    $content = $body === null ? '' : json_encode($body, JSON_UNESCAPED_UNICODE);
    [$got, $head, $told] = exchange($method, $path, $headers, $content);
    must($got === $status, "$method $path: expected $status, got $got: $told");
    return preg_match('/^content-type: application\/json/mi', $head) ? json_decode($told, true) : $told;
}

/** Logs in as a person does, by the form, and keeps the cookie. Origin says that it is no other site's doing. */
function logIn(): array
{
    $form = http_build_query(['email' => getenv('EMAIL'), 'password' => getenv('PASSWORD')]);
    $headers = ['Content-Type: application/x-www-form-urlencoded', 'Origin: ' . $GLOBALS['base']];
    [$status, $head] = exchange('POST', '/login', $headers, $form);
    must($status === 303 && preg_match('/^set-cookie: ([^;]+)/mi', $head, $found) === 1, "the login failed: $status");
    return ['Cookie: ' . $found[1], 'Origin: ' . $GLOBALS['base']];
}

/** Opens the pages' WebSocket by hand, and reads its first frame: a short one, without a mask. */
function listen(array $person): void
{
    ['scheme' => $scheme, 'host' => $host] = $at = parse_url($GLOBALS['base']);
    $place = $host . ':' . ($at['port'] ?? ($scheme === 'https' ? 443 : 80));
    $stream = stream_socket_client(($scheme === 'https' ? 'tls://' : 'tcp://') . $place, $code, $why, 30);
    must($stream !== false, "no connection: $why");
    fwrite($stream, implode("\r\n", ['GET /ws HTTP/1.1', 'Host: ' . preg_replace('/^\w+:\/\//', '', $GLOBALS['base']),
        'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...$person, '', '']));
    $first = fgets($stream);
    must(str_contains($first, ' 101 '), "/ws: $first");
    while (trim((string) fgets($stream)) !== '');
    [$kind, $length] = array_values(unpack('C2', stream_get_contents($stream, 2)));
    $frame = json_decode(stream_get_contents($stream, $length), true);
    must($kind === 0x81 && $frame['type'] === 'ready', $frame);
    fclose($stream);
}

// Clients. A new one waits for its code, which comes a moment later.
$profile = ask(200, 'GET', '/api/profile');
$new = ['clientId' => "$client-new", 'phoneNumber' => '12345678901'];
$added = ask(200, 'POST', '/api/add-number', $new);
for ($n = 0; $n < 100 && $added['qrCode'] === null; $n++) {
    usleep(100_000);
    $added = ask(200, 'POST', '/api/add-number', $new);
}
must($added['status'] === 'pending_auth' && str_starts_with($added['qrCode'], 'data:image/png;base64,'), $added);
must(substr(ask(200, 'GET', "/api/qr/$client-new"), 1, 3) === 'PNG', 'no picture');
must(in_array($client, array_column(ask(200, 'GET', '/api/clients'), 'clientId'), true), 'the client is not listed');
ask(200, 'POST', '/api/update-webhook', ['clientId' => $client, 'webhookUrl' => getenv('HOOK')]);

// Messages, and what is listed of them.
$text = 'Hello from PHP, שלום 👋';
$sent = ask(200, 'POST', '/api/send-message', ['clientId' => $client, 'number' => $number, 'message' => $text]);
must($sent['success'] && $sent['message']['body'] === $text && $sent['message']['id']['_serialized'] !== '', $sent);
ask(200, 'POST', '/api/send-message',
    ['clientId' => $client, 'number' => $number, 'message' => 'A picture', 'mediaUrl' => getenv('FILE')]);
$listed = array_column(ask(200, 'GET', '/api/sent-messages'), 'message');
must(array_slice($listed, 0, 2) === ['A picture', $text], $listed);
must(ask(200, 'GET', "/api/received-messages/$client")['status'] === 'success');
must(ask(200, 'GET', "/api/incoming-calls/$client")['status'] === 'success');
ask(200, 'GET', '/api/call-logs');
ask(200, 'GET', '/api/logs');

// Messages for later.
$planned = ask(201, 'POST', '/schedule-message', ['clientId' => $client, 'number' => $number,
    'message' => 'Scheduled hello', 'scheduleTime' => '2099-10-06T18:30:00Z']);
must(ask(200, 'GET', '/scheduled-messages')[0]['id'] === $planned['id'], 'it is not listed');
must(ask(200, 'DELETE', '/scheduled-messages/' . $planned['id'])['message'] === 'Schedule cancelled.');

// Groups: their messages wait two to five seconds before they go.
$group = ask(200, 'GET', "/api/groups/$client")['groups'][0];
$greeted = ask(200, 'POST', '/api/send-group-message',
    ['clientId' => $client, 'groupId' => $group['id'], 'message' => 'שלום לכולם!']);
must($greeted['groupName'] === $group['name'], $greeted);

// Chats are for people who are logged in.
$person = logIn();
listen($person);
$chat = null;
foreach (ask(200, 'GET', "/api/chats/$client", null, $person)['chats'] as $one) {
    $chat ??= str_starts_with($one['id']['_serialized'], $number) ? $one['id']['_serialized'] : null;
}
must($chat !== null, 'no chat with this number');
$answered = ask(200, 'POST', "/api/chats/$client/$chat/send", ['message' => 'How can I help?'], $person);
must($answered['message']['body'] === 'How can I help?', $answered);
$messages = ask(200, 'GET', "/api/chats/$client/$chat/messages?limit=50", null, $person)['messages'];
$pictures = array_values(array_filter($messages, fn ($one) => $one['hasMedia']));
must(ask(200, 'GET', "/api/chats/$client/media/" . $pictures[0]['id']['_serialized'], null, $person) !== '', 'no file');
must(ask(200, 'POST', "/api/chats/$client/$chat/read", null, $person) === ['success' => true]);
ask(200, 'POST', "/api/groups/$client/{$group['id']}/send", ['message' => 'from the dashboard'], $person);

// What cannot be undone comes last: the new client goes, and the account's key is another.
ask(200, 'DELETE', "/clients/$client-new", ['password' => getenv('PASSWORD')], $person);
$renewed = ask(200, 'POST', '/api/reset-api-key',
    ['username' => getenv('EMAIL'), 'currentApiKey' => getenv('KEY')], []);
$again = ask(200, 'GET', '/api/profile', null, ['x-api-key: ' . $renewed['newApiKey']]);
must($again['username'] === $profile['username'], $again);
echo 'php: every route answered; the key is now ', $renewed['newApiKey'], "\n";
