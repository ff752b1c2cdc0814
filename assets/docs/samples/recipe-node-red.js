// A function node before an "http request" node (method POST, return: a parsed JSON object).
msg.url = "{{base_url}}/api/send-message";
msg.headers = {
    Authorization: "Bearer " + env.get("WHATSAPP_KEY"),
    "Content-Type": "application/json",
    "Idempotency-Key": "door-" + msg._msgid,
};
msg.payload = {
    instance_id: "{{instance_id}}",
    phone: "+966501234567",
    message: "The cold room is at " + msg.payload + " °C.",
    message_purpose: "internal_team",
};
return msg;
