# Needs Python 3.8 and nothing else.
import json
import time
import urllib.error
import urllib.request


def send_whatsapp(phone, text, key):
    """Sends one message. `key` names it: the same key is never sent twice within 24 hours."""
    body = json.dumps({
        "instance_id": "{{instance_id}}",
        "phone": phone,
        "message": text,
        "message_purpose": "transactional",
    }).encode()
    request = urllib.request.Request("{{base_url}}/api/send-message", data=body, method="POST", headers={
        "Authorization": "Bearer {{api_key}}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    })
    for attempt in range(1, 6):
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            wait = int(refused.headers.get("Retry-After", 301))
            if refused.code in (409, 429, 503) and wait <= 300 and attempt < 5:
                time.sleep(wait)
                continue
            problem = json.load(refused)
            # "unknown": it may have left. Look at the log, do not send it again under another key.
            outcome = refused.headers.get("X-Message-Status", "blocked")
            raise RuntimeError(f"{problem['error']} ({outcome}): {problem['message']}") from None
        except OSError:
            # Nothing was heard: the same key makes a second try safe.
            if attempt == 5:
                raise
            time.sleep(2 ** attempt)


if __name__ == "__main__":
    sent = send_whatsapp("+966501234567", "Your order 2044 has been shipped.", "order-2044-shipped")
    print(sent["status"], sent["message_id"])
