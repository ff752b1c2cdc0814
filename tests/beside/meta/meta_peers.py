"""Two readers that nobody here wrote: Meta's OpenAPI document behind Prism, and pywa, which says the same things itself."""

import copy
import http.client
import json
import logging
import re
import socket
import subprocess
import time

import httpx
import yaml
from pywa import WhatsApp, types
from pywa.types import templates as t

# Members that Meta's own pages have and the document has not: it is judged without them, and they are named in the table.
BESIDE = {
    "biz_opaque_callback_data": "page on status webhooks",
    "category": "page on Direct Send",
    "audio.voice": "page on voice messages",
    "recipient": "pages on hidden numbers",
}
# What the document refuses although Meta's pages and pywa have it.
EXPLAINED = {
    "link": "page on call-to-action buttons: cta_url",
    "contact": "page on contacts: types CELL, MAIN, IPHONE, HOME, WORK",
    "contact request": "page on business-scoped ids: request_contact_info",
    "template, code to copy": "page on template components: copy_code",
    "call not taken": "page on calls: action reject",
}


# Asked, and no path of the document's: part of the Graph API in general.
ABSENT = ["GET debug token"]


class Prism:
    """Prism over the paths that are asked; the ids of the try stand in them, because several paths differ by these alone."""

    def __init__(self, program, document, folder, ids):
        with open(document, encoding="utf-8") as file:
            whole = yaml.load(file, yaml.CSafeLoader)
        self.title = f"Meta's OpenAPI document {whole['info']['version']}"
        self.examples = examples(whole)
        whole = mended(whole)
        paths = {}
        for path, operations in whole["paths"].items():
            names = re.findall(r"{([^}]*)}", path)
            if names[:1] == ["Version"] and len(names) == 2 and names[1] in ids:
                told = path.replace("{%s}" % names[1], ids[names[1]])
                paths[told] = without_parameter(operations, names[1])
        split(paths, f"/{{Version}}/{ids['Phone-Number-ID']}/messages", self.examples)
        whole["paths"], whole["servers"] = paths, [{"url": "http://127.0.0.1"}]
        place = f"{folder}/document.json"
        with open(place, "w", encoding="utf-8") as file:
            json.dump(whole, file, default=str)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.log = open(f"{folder}/prism.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen([program, "mock", "--errors", "--host", "127.0.0.1", "--port", str(self.port), place],
                                        stdout=self.log, stderr=self.log)
        begun = time.monotonic()
        while not self.answers():
            if time.monotonic() - begun > 60 or self.process.poll() is not None:
                self.log.seek(0)
                raise SystemExit(f"Prism does not start: {self.log.read()}")
            time.sleep(0.2)

    def answers(self):
        try:
            self.ask("GET", "/", {}, b"")
            return True
        except OSError:
            return False

    def ask(self, method, path, headers, body):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        client.request(method, path, body, headers)
        answer = client.getresponse()
        text = answer.read().decode()
        client.close()
        return answer.status, text

    def says(self, kind, method, path, headers, body):
        """What it says in a few words, and whether that is as it should be."""
        without = []
        if path.endswith("/messages"):
            body, without = self.known_part(json.loads(body))
            path += "/" + (body.get("type") or body.get("status") or "none")
            body = json.dumps(body).encode()
        status, text = self.ask(method, path, headers, body)
        also = f", beside it {', '.join(without)}" if without else ""
        if status == 404 and "NO_PATH_MATCHED" in text:
            return "no such path in it", kind in ABSENT
        if status != 422:
            return ("accepted" + also, True) if status < 300 else (f"{status} {text[:120]}", False)
        problems = {f"{'.'.join(map(str, p.get('location', [])))}: {p['message']}" for p in json.loads(text).get("validation", [])}
        why = EXPLAINED.get(kind)
        return f"refused{f' ({why})' if why else ''}: {'; '.join(sorted(problems))}{also}"[:400], why is not None

    def known_part(self, body):
        """The request without what stands in BESIDE, and what that was."""
        without = []
        for name in BESIDE:
            *above, last = name.split(".")
            place = body
            for member in above:
                place = place.get(member, {})
            if last in place:
                without.append(last)
                value = place.pop(last)
                if last == "recipient":
                    place["to"] = value
        return body, without

    def control(self, number):
        """Meta's own examples must be taken, and what is wrong must not: else the judge is none."""
        headers = {"Authorization": "Bearer EAAG", "Content-Type": "application/json"}
        path, refused = f"/v25.0/{number}/messages", []
        for name, value in self.examples.items():
            kind = value.get("type") or value.get("status") or "text"
            if self.ask("POST", f"{path}/{kind}", headers, json.dumps(value).encode())[0] == 422:
                refused.append(name)
        good = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+966501234567", "type": "text",
                "text": {"body": "x"}}
        wrong = [{"recipient_type": "crowd"}, {"text": {"bdy": "x"}}, {"text": "x"}, {"type": "txt"}, {"color": "red"}]
        taken = [change for change in wrong
                 if self.ask("POST", f"{path}/text", headers, json.dumps({**good, **change}).encode())[0] != 422]
        print(f"\nControl: {len(wrong) - len(taken)} of {len(wrong)} wrong requests are refused; of Meta's own "
              f"{len(self.examples)} examples {len(refused)} are, too: {', '.join(refused)}")
        return [f"control: {change} is taken" for change in taken]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def examples(whole):
    found = whole["paths"]["/{Version}/{Phone-Number-ID}/messages"]["post"]["requestBody"]["content"]["application/json"]
    return {name: one["value"] for name, one in found["examples"].items()}


def split(paths, path, shown):
    """A path of its own for each type of message: else all that one is not is told as what is wrong with it."""
    whole = paths.pop(path)
    for name, schema in {
        "text": "TextMessage", "audio": "AudioMessage", "document": "DocumentMessage", "image": "ImageMessage",
        "location": "LocationMessage", "video": "VideoMessage", "sticker": "StickerMessage", "reaction": "ReactionMessage",
        "interactive": "InteractiveMessage", "template": "TemplateMessage", "contacts": "ContactsMessage",
    }.items():
        one = copy.deepcopy(whole)
        one["post"]["operationId"] = name
        one["post"]["requestBody"] = {"required": True, "content": {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
        paths[f"{path}/{name}"] = one
    # Read marks have an example there, and no schema.
    one = copy.deepcopy(whole)
    one["post"]["requestBody"] = {"required": True, "content": {"application/json": {
        "schema": shape(shown["Send typing indicator and read receipt"], ["typing_indicator"])}}}
    paths[f"{path}/read"] = one


def shape(value, optional=()):
    """A schema that takes what has the members of an example."""
    if not isinstance(value, dict):
        return {"type": {str: "string", bool: "boolean"}.get(type(value), "number")}
    return {"type": "object", "additionalProperties": False, "required": [name for name in value if name not in optional],
            "properties": {name: shape(member) for name, member in value.items()}}


def without_parameter(operations, name):
    """A path's operations without the parameter that stands in the path now."""
    def kept(parameters):
        return [p for p in parameters if p.get("name") != name and not p.get("$ref", "").endswith(f"/{name}")]
    told = copy.deepcopy(operations)
    for key, value in list(told.items()):
        if key == "parameters":
            told[key] = kept(value)
        elif isinstance(value, dict) and "parameters" in value:
            value["parameters"] = kept(value["parameters"])
    return told


def mended(whole):
    """The document, where no request at all could pass as it stands."""
    schemas = whole["components"]["schemas"]
    for schema in schemas.values():
        parts = schema.get("allOf") if isinstance(schema, dict) else None
        # A part that allows no members but its own refuses those of the other part: one object of both is meant.
        if parts and any(part.get("additionalProperties") is False for part in parts):
            schema.pop("allOf")
            schema.update({"type": "object", "properties": {}, "required": [], "additionalProperties": False})
            for part in parts:
                part = schemas[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
                schema["properties"].update(part.get("properties", {}))
                schema["required"] += part.get("required", [])
    # Its own examples have numbers there.
    for angle in ("latitude", "longitude"):
        schemas["LocationMessage"]["properties"]["location"]["properties"][angle]["type"] = ["string", "number"]
    # Its own examples have a language without it.
    schemas["LanguageObject"]["required"].remove("policy")
    # "^[2-6, 11-14]$", and its own example is "0".
    schemas["TemplateComponent"]["properties"]["index"].pop("pattern", None)
    return whole


def pywa_requests(number, waba, template):
    """The bodies that pywa makes, by kind."""
    logging.disable(logging.WARNING)
    last = {}

    def handle(request):
        last["body"] = request.content
        path = request.url.path
        if path.endswith("/media"):
            return httpx.Response(200, json={"id": "1166846181421424"})
        if path.endswith("/message_templates") or path.endswith(f"/{template}"):
            return httpx.Response(200, json={"id": template, "status": "PENDING", "category": "UTILITY", "success": True})
        if b'"status"' in request.content:
            return httpx.Response(200, json={"success": True})
        return httpx.Response(200, json={"messaging_product": "whatsapp", "contacts": [{"input": "966501234567", "wa_id": "966501234567"}],
                                         "messages": [{"id": "wamid.1"}]})

    wa = WhatsApp(phone_id=number, token="EAAG", waba_id=waba, session=httpx.Client(transport=httpx.MockTransport(handle)))
    to, id_, english, mine = "966501234567", "1166846181421424", t.TemplateLanguage.ENGLISH, {"tracker": "msg_1"}
    body = t.BodyText("Order {{1}} is ready.", "1")

    def filled(*params, name="plain"):
        return lambda: wa.send_template(to, name, english, list(params), **mine)
    link = "https://shop.example/a.png"
    acts = {
        "text": lambda: wa.send_message(to, "x", **mine),
        "answer": lambda: wa.send_message(to, "x", reply_to_message_id="wamid.1", **mine),
        "image": lambda: wa.send_image(to, id_, caption="x", **mine),
        "video": lambda: wa.send_video(to, id_, caption="x", **mine),
        "audio": lambda: wa.send_audio(to, id_, **mine),
        "voice": lambda: wa.send_voice(to, id_, **mine),
        "document": lambda: wa.send_document(to, id_, filename="a.pdf", caption="x", **mine),
        "sticker": lambda: wa.send_sticker(to, id_, **mine),
        "buttons": lambda: wa.send_message(to, "x", footer="f", buttons=[types.Button("Yes", "y"), types.Button("No", "n")], **mine),
        "list": lambda: wa.send_message(to, "x", buttons=types.SectionList("Choose", [types.Section("Monday", [
            types.SectionRow("Morning", "1", "8 to 12")])]), **mine),
        "link": lambda: wa.send_message(to, "x", buttons=types.URLButton("Open", "https://shop.example/7"), **mine),
        "contact request": lambda: wa.send_message(to, "x", buttons=types.ContactInfoRequestButton(), **mine),
        "location": lambda: wa.send_location(to, 24.7, 46.6, "Shop", "Road 1", **mine),
        "contact": lambda: wa.send_contact(to, types.Contact(
            name=types.Contact.Name(formatted_name="Amal Haddad", first_name="Amal"),
            phones=[types.Contact.Phone(phone="+966501112222", type="CELL", wa_id="966501112222")],
            emails=[types.Contact.Email("a@shop.example", "WORK")], org=types.Contact.Org(company="Shop")), **mine),
        "reaction": lambda: wa.send_reaction(to, "👍", "wamid.1", **mine),
        "reaction taken back": lambda: wa.remove_reaction(to, "wamid.1", **mine),
        "template": filled(body.params("1")),
        "template, text head": filled(t.HeaderText("{{1}}", "1").params("1"), body.params("1")),
        "template, image head": filled(t.HeaderImage.params(image=link), body.params("1")),
        "template, video head": filled(t.HeaderVideo.params(video=link), body.params("1")),
        "template, document head": filled(t.HeaderDocument.params(document=link, filename="a.pdf"), body.params("1")),
        "template, location head": filled(t.HeaderLocation.params(lat=24.7, lon=46.6, name="Shop", address="Road 1"), body.params("1")),
        "template, address button": filled(body.params("1"), t.URLButton.params(url_variable="1", index=0)),
        "template, code to copy": filled(body.params("1"), t.CopyCodeButton.params(coupon_code="SAVE20", index=0)),
        "template, one-time code": filled(t.AuthenticationBody.params(otp="123456"), t.CopyCodeOTPButton.params(otp="123456")),
        "template, named": filled(t.BodyText("Order {{order}}", order="1").params(order="1")),
        "typing": lambda: wa.indicate_typing("wamid.1"),
        "read": lambda: wa.mark_message_as_read("wamid.1"),
        "template submitted": lambda: wa.create_template(t.Template(
            name="order_news", language=english, category=t.TemplateCategory.UTILITY, parameter_format=t.ParamFormat.POSITIONAL,
            components=[t.HeaderText("Order"), t.BodyText("Hello {{1}}, your order is ready.", "Amal"),
                        t.FooterText(text="The shop"), t.Buttons(buttons=[t.QuickReplyButton(text="Thanks")])])),
        "code template submitted": lambda: wa.create_template(t.Template(
            name="code_news", language=english, category=t.TemplateCategory.AUTHENTICATION,
            parameter_format=t.ParamFormat.POSITIONAL, components=[
                t.AuthenticationBody(add_security_recommendation=True), t.AuthenticationFooter(code_expiration_minutes=10),
                t.Buttons(buttons=[t.CopyCodeOTPButton()])])),
        "call not taken": lambda: wa.reject_call("wacid.1"),
    }
    made = {}
    for kind, act in acts.items():
        last.clear()
        try:
            act()
        except Exception as trouble:  # pylint: disable=broad-except
            made[kind] = f"{type(trouble).__name__}: {trouble}"[:150] if "body" not in last else json.loads(last["body"])
            continue
        made[kind] = json.loads(last["body"])
    return made


def members(value, path=""):
    if isinstance(value, dict):
        for name, member in value.items():
            yield from members(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from members(member, f"{path}[]")
    elif value is not None:
        kind = "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
        yield f"{path} {kind}"


def words(value, at=()):
    """The words that say what something is, which must be the same letter by letter."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in ("type", "sub_type", "name", "format", "otp_type", "category", "status", "action") and isinstance(member, str):
                yield f"{'.'.join(at)}.{name}={member.lower()}"
            yield from words(member, (*at, name))
    elif isinstance(value, list):
        for member in value:
            yield from words(member, at)


# Differences that are meant: ours by Meta's pages, beside pywa's.
MEANT = [
    # A constant of Meta's that pywa leaves out, our id that comes back, and whether a text shows its first link.
    ".recipient_type str", ".biz_opaque_callback_data str", ".text.preview_url bool", ".preview_url bool",
    # pywa writes the button's place as a number, Meta's document as a text.
    ".template.components[].index str", ".template.components[].index number",
    # pywa says this where it is so by itself.
    ".parameter_format str", ".template.components[].parameters[].text str",
]


def beside(kind, body, others):
    """How our request differs from pywa's, and whether that is as it should be."""
    other = others.get(kind)
    if other is None:
        return "-", True
    if isinstance(other, str):
        return f"pywa cannot say it: {other}", False
    ours = json.loads(body)
    more, less = set(members(ours)) - set(members(other)), set(members(other)) - set(members(ours))
    more, less = [sorted(d for d in side if d not in MEANT) for side in (more, less)]
    free = lambda found: {w for w in found if not re.search(r"(template|name|language)\.name=|\.name=(shop|amal)", w)}
    said = free(words(ours)) ^ free(words(other))
    told = [f"{sign} {', '.join(found)}" for sign, found in (("+", more), ("-", less), ("≠", sorted(said))) if found]
    return "; ".join(told) or "the same", not told
