// Lines of our own, edited and taken back. Loaded by chat.js where the number can do so.
"use strict";

/**
 * @param page what the chat page hands over: `talk`, `lines`, `form`, `field`; `put(html)` shows a line anew, `refuse(told)`
 *   says why not, `grow()` fits the field to its text, `nonce()` makes a word for a request.
 */
export function begin({ talk, lines, form, field, put, refuse, grow, nonce }) {
  const strip = form.querySelector("[data-changing]");
  /** The line that is being edited, and what was typed before. */
  let edited;

  function edit(line) {
    const text = line.querySelector(".text")?.textContent ?? "";
    edited = { id: line.dataset.id, before: edited?.before ?? field.value };
    strip.querySelector("[data-was]").textContent = text.slice(0, 140);
    strip.hidden = false;
    field.value = text;
    grow();
    field.focus();
  }

  function keep() {
    if (!edited) return false;
    field.value = edited.before;
    edited = undefined;
    strip.hidden = true;
    grow();
    field.focus();
    return true;
  }

  async function change(line, text) {
    const fields = { as: "json", csrf: form.elements.csrf.value, nonce: nonce(), line, text };
    let told;
    try {
      const answer = await fetch(form.dataset.change, { method: "POST", body: new URLSearchParams(fields) });
      if (answer.redirected) return location.reload();
      told = await answer.json();
    } catch {
      told = { problem: form.dataset.noChange };
    }
    if (told.problem || told.refusal) refuse(text, told);
    else if (told.html) put(told.html);
  }

  lines.addEventListener("click", (event) => {
    const line = event.target.closest("[data-id]");
    if (event.target.closest("[data-edit]")) edit(line);
    else if (event.target.closest("[data-delete]") && confirm(form.dataset.sure)) change(line.dataset.id, "");
  });
  strip.querySelector("[data-keep]").addEventListener("click", keep);
  // Before the page sends it as a new message.
  talk.addEventListener(
    "submit",
    (event) => {
      if (!edited || event.target !== form) return;
      event.preventDefault();
      event.stopPropagation();
      const text = field.value;
      if (!text.trim()) return;
      const { id } = edited;
      keep();
      change(id, text);
    },
    true,
  );
  talk.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && form.contains(document.activeElement) && keep()) event.stopPropagation();
    },
    true,
  );
}
