<?php
// A receiver of the gateway's events in the Chattu dialect. Run it with: CLIENT_KEY=… php -S 127.0.0.1:9000 webhook.php
header('Content-Type: application/json; charset=utf-8');

$expected = getenv('CLIENT_KEY') ?: '';
$given = $_SERVER['HTTP_X_API_KEY'] ?? '';
if ($expected !== '' && !hash_equals($expected, $given)) {
    http_response_code(401);
    echo json_encode(['error' => 'Invalid API key']);
    exit;
}

$event = json_decode(file_get_contents('php://input'), true);
if (!is_array($event) || !isset($event['event'], $event['data'])) {
    http_response_code(400);
    echo json_encode(['error' => 'Invalid webhook payload format.']);
    exit;
}

$answer = ['status' => 'success', 'message' => 'Webhook received successfully.'];
if ($event['event'] === 'message_received') {
    $answer['response'] = 'קיבלנו: ' . $event['data']['body'];
} elseif ($event['event'] === 'call_rejected') {
    $answer['rejectionMessage'] = 'מצטער אינני זמין כעת. אנא שלח הודעה ונחזור אליך בהקדם.';
}
echo json_encode($answer, JSON_UNESCAPED_UNICODE);
