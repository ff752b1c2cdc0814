# Tells customers of deliveries that Odoo calls done. Run it by cron every few minutes: the key of each delivery makes one
# message of it, however often it is seen within a day. Needs Python 3.8 and nothing else.
import datetime
import json
import urllib.error
import urllib.request
import xmlrpc.client

ODOO, DATABASE, USER, PASSWORD = "https://odoo.example.com", "shop", "gateway@example.com", "AN_API_KEY_OF_THIS_USER"


def deliveries(since):
    """Name and customer's number of each delivery done since then (UTC)."""
    user = xmlrpc.client.ServerProxy(f"{ODOO}/xmlrpc/2/common").authenticate(DATABASE, USER, PASSWORD, {})
    models = xmlrpc.client.ServerProxy(f"{ODOO}/xmlrpc/2/object")

    def ask(model, method, *arguments, **more):
        return models.execute_kw(DATABASE, user, PASSWORD, model, method, list(arguments), more)

    done = [["state", "=", "done"], ["picking_type_code", "=", "outgoing"], ["date_done", ">=", since]]
    for picking in ask("stock.picking", "search_read", done, fields=["name", "partner_id"]):
        if picking["partner_id"]:
            [partner] = ask("res.partner", "read", [picking["partner_id"][0]], fields=["phone"])
            if partner["phone"]:
                yield picking["name"], partner["phone"]


def send(name, phone):
    body = {"instance_id": "{{instance_id}}", "phone": phone, "message": f"Your delivery {name} is on its way.",
            "message_purpose": "transactional", "reference": name}
    request = urllib.request.Request("{{base_url}}/api/send-message", data=json.dumps(body).encode(), headers={
        "Authorization": "Bearer {{api_key}}", "Content-Type": "application/json", "Idempotency-Key": f"odoo-{name}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            print(name, json.load(answer)["status"])
    except urllib.error.HTTPError as refused:
        print(name, json.load(refused)["error"])


if __name__ == "__main__":
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=12)
    for name, phone in deliveries(since.strftime("%Y-%m-%d %H:%M:%S")):
        send(name, phone)
