"""Getting round the guard: opt-outs in every dress, phones in every spelling, a hundred messages for one place.

What must hold: who wrote STOP gets nothing, however the word or the number is written, also what was scheduled before;
at a limit with room for one exactly one passes; what sells is refused in every dress. Controls: words that are no
opt-out leave a person reachable, other numbers are reached, and an honest text passes."""

import threading
import time

from gateway import INSTANCE, NO_LIMITS, Failed, Place, Visitor, send, wait_until

STOPS = ["STOP", "stop", "Stop", " stop ", "STOP!", "stop.", "ＳＴＯＰ", "S\u200bT\u200bO\u200bP", "\u202aSTOP\u202c", "s t o p", "S.T.O.P",
         "ST\u00adOP", "\u0405\u0422\u041e\u0420", "stop \U0001f64f", "unsubscribe", "UNSUBSCRIBE", "الغاء", "إلغاء", "إلغــاء", "إِلْغَاء", "توقف", "הסר", "הסירו אותי"]
NO_STOPS = ["Hello", "Where is my order?", "The bus stop is closed", "مرحبا", "שלום"]
PHONES = ["+966501234567", "00966501234567", "966501234567", "+966 50 123 4567", "+966-50-123-4567", "(+966) 501234567", "0501234567", "050 123 4567",
          "+٩٦٦٥٠١٢٣٤٥٦٧", "+۹۶۶۵۰۱۲۳۴۵۶۷", "\u200f+966501234567\u200f", "\u202a+966501234567\u202c", "＋９６６５０１２３４５６７", "+966\u00a0501234567", "+9660501234567"]
SELLS = ["Buy now! 70% off everything today only, limited offer, click here", "BUY NOW! 70% OFF everything TODAY ONLY, LIMITED OFFER, click here",
         "Ｂｕｙ ｎｏｗ! 70% ｏｆｆ ｅｖｅｒｙｔｈｉｎｇ ｔｏｄａｙ ｏｎｌｙ, ｌｉｍｉｔｅｄ ｏｆｆｅｒ, ｃｌｉｃｋ ｈｅｒｅ",
         "B\u200buy n\u200bow! 70% o\u200bff everything to\u200bday only, lim\u200bited offer, click here",
         "\u0412uy n\u043ew! 70% \u043eff \u0435v\u0435rything t\u043eday \u043enly, limit\u0435d \u043effer, cli\u0441k h\u0435re",
         "B u y  n o w ! 70% o f f everything t o d a y only, l i m i t e d offer, click here", "Buy now!🔥🔥 70% off everything🔥today only🔥limited offer🔥click here"]
DAILY = 30


def evasion(run):
    place = Place(run.binary, run.folder("guard"), guard={**NO_LIMITS, "strikes": 10**6})
    key = place.furnish()
    place.json("account", "update", "1", "--region", "SA")
    owner = place.person("owner")
    serving = place.serve()
    heard = [stops(place, serving, key, word, n) for n, word in enumerate([*STOPS, *NO_STOPS])]
    missed = [word for word, is_out in zip(STOPS, heard) if not is_out]
    if missed:
        raise Failed(f"{len(missed)} of {len(STOPS)} opt-outs are not heard: {missed}")
    wrong = [word for word, is_out in zip(NO_STOPS, heard[len(STOPS):]) if is_out]
    if wrong:
        raise Failed(f"the control: these are taken for opt-outs: {wrong}")
    spellings(place, serving, key)
    before_the_wire(place, serving, key, owner)
    passed = [text for n, text in enumerate(SELLS) if send(serving.address, key, phone=f"+96650777{n:04}", message=text)[0] == 200]
    if passed:
        raise Failed(f"what sells is sent in this dress: {passed}")
    if send(serving.address, key, phone="+966507778888", message="Your order 1234 is ready, you can collect it until six.")[0] != 200:
        raise Failed("the control: an honest text is refused")
    at_the_limit(place, serving, key)
    serving.stop()
    return (f"{len(STOPS)} opt-outs heard, {len(PHONES)} spellings of a number kept away, one scheduled before its opt-out is not sent, "
            f"{len(SELLS)} dresses of what sells refused, of 100 at once for one place 1 passes; controls pass"), len(STOPS) + len(PHONES) + len(SELLS)


def stops(place, serving, key, word, n):
    """Whether who says this is kept away from then on."""
    phone = f"+96650555{n:04}"
    place.json("sandbox", "receive", "--instance", INSTANCE, "--from", phone, "--", word)
    return send(serving.address, key, phone=phone, message="Your order is here.")[2].get("error") == "recipient_suppressed"


def spellings(place, serving, key):
    place.json("sandbox", "receive", "--instance", INSTANCE, "--from", PHONES[0], "STOP")
    for phone in PHONES:
        status, _, answer = send(serving.address, key, phone=phone, message="Your order is here.")
        # A spelling that is refused as no number is kept away, too.
        if status == 200 or answer["error"] not in ("recipient_suppressed", "validation_error", "invalid_phone"):
            raise Failed(f"{phone!r}: {status} {answer}")
    if send(serving.address, key, phone="+966501234568", message="Your order is here.")[0] != 200:
        raise Failed("the control: another number is kept away")


def before_the_wire(place, serving, key, owner):
    """Scheduled, then opted out: judged again before it goes. Another one, without, goes."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
    for phone in ("+966501110001", "+966501110002"):
        status, _, answer = send(serving.address, key, phone=phone, message="See you at ten.", send_at=at)
        if status != 202:
            raise Failed(f"a scheduled message is answered {status}: {answer}")
    place.json("sandbox", "receive", "--instance", INSTANCE, "--from", "+966501110001", "STOP")

    def phones():
        return [m["to"] for m in place.json("sandbox", "inbox", "--instance", INSTANCE) if m["text"] == "See you at ten."]

    wait_until(lambda: "+966501110002" in phones(), "the control: a scheduled message goes")
    if "+966501110001" in phones():
        raise Failed("scheduled before an opt-out, and sent after it")
    if Visitor(serving.address, owner).get("/scheduled")[0] != 200:
        raise Failed("the page of what waits does not open")


def at_the_limit(place, serving, key):
    used = len(place.json("sandbox", "inbox", "--instance", INSTANCE))
    place.json("account", "update", "1", "--grant-daily", str(used + 1), "--reason", "guard")
    statuses = []

    def work(n):
        statuses.append(send(serving.address, key, phone=f"+96650888{n:04}", message=f"Your order {n} is here.")[0])

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if statuses.count(200) != 1 or statuses.count(429) != 99:
        raise Failed(f"of 100 at once with room for one: { {one: statuses.count(one) for one in set(statuses)} }")
