// Needs Node 18 or newer and nothing else.
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** Sends one message. `key` names it: the same key is never sent twice within 24 hours. */
export async function sendWhatsApp(phone, text, key) {
  for (let attempt = 1; ; attempt++) {
    let answer;
    try {
      answer = await fetch("{{base_url}}/api/send-message", {
        method: "POST",
        headers: {
          Authorization: "Bearer {{api_key}}",
          "Content-Type": "application/json",
          "Idempotency-Key": key,
        },
        body: JSON.stringify({
          instance_id: "{{instance_id}}",
          phone,
          message: text,
          message_purpose: "transactional",
        }),
        signal: AbortSignal.timeout(20_000),
      });
    } catch (error) {
      // Nothing was heard: the same key makes a second try safe.
      if (attempt >= 5) throw error;
      await pause(2 ** attempt);
      continue;
    }
    const wait = Number(answer.headers.get("retry-after") ?? 301);
    if ([409, 429, 503].includes(answer.status) && wait <= 300 && attempt < 5) {
      await pause(wait);
      continue;
    }
    const body = await answer.json();
    if (answer.ok) return body;
    // "unknown": it may have left. Look at the log, do not send it again under another key.
    const outcome = answer.headers.get("x-message-status") ?? "blocked";
    throw new Error(`${body.error} (${outcome}): ${body.message}`);
  }
}

const sent = await sendWhatsApp("+966501234567", "Your order 2045 has been shipped.", "order-2045-shipped");
console.log(sent.status, sent.message_id);
