import hashlib, hmac, json, time, urllib.request

body = json.dumps({"event_type": "test"}).encode()
moment = str(int(time.time()))
signature = hmac.new(b"YOUR_SIGNING_SECRET", moment.encode() + b"." + body, hashlib.sha256).hexdigest()
request = urllib.request.Request(
    "{{base_url}}/integrations/3cx/webhook/INTEGRATION_ID", data=body, method="POST", headers={
        "Content-Type": "application/json",
        "X-WhatsApp-Gateway-3CX-Secret": "YOUR_3CX_SECRET",
        "X-WhatsApp-Gateway-Timestamp": moment,
        "X-WhatsApp-Gateway-Signature": "sha256=" + signature,
    })
print(urllib.request.urlopen(request).read().decode())
