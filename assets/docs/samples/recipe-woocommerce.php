<?php
/*
Plugin Name: Orders by WhatsApp
Description: Tells customers that their order is complete. Save as wp-content/plugins/orders-by-whatsapp.php.
*/
add_action('woocommerce_order_status_completed', function ($order_id) {
    $order = wc_get_order($order_id);
    $answer = wp_remote_post('{{base_url}}/api/send-message', [
        'timeout' => 20,
        'headers' => [
            'Authorization' => 'Bearer {{api_key}}',
            'Content-Type' => 'application/json',
            // WooCommerce may report the same step twice: the key makes one message of it.
            'Idempotency-Key' => "woocommerce-{$order_id}-completed",
        ],
        'body' => wp_json_encode([
            'instance_id' => '{{instance_id}}',
            'phone' => $order->get_billing_phone(),
            'message' => "Your order {$order->get_order_number()} is complete and on its way.",
            'message_purpose' => 'transactional',
            'reference' => "order-{$order_id}",
        ]),
    ]);
    if (is_wp_error($answer)) {
        $order->add_order_note('WhatsApp: ' . $answer->get_error_message());
    } else {
        $said = json_decode(wp_remote_retrieve_body($answer), true);
        $order->add_order_note('WhatsApp: ' . ($said['success'] ? $said['status'] : $said['error'] . ', ' . $said['message']));
    }
});
