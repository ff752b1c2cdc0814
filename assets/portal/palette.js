// Ctrl+K: one box for pages, numbers of this account, a phone, a message, the documentation. Made when it is first opened;
// words come with the page, in its language.
"use strict";

const MOST = 12;
const template = document.querySelector("template[data-palette]");
const words = template.dataset;
const dialog = template.content.firstElementChild.cloneNode(true);
document.body.append(dialog);
const field = dialog.querySelector("input");
const list = dialog.querySelector("ul");

/** What can be gone to: the kind's word, the text, where. Filled as it arrives. */
const known = [];
for (const link of document.querySelectorAll("nav.side a, .menu .sheet a")) {
  known.push({ kind: words.pages, text: link.textContent.trim(), href: link.href });
}
const sections = [];

async function load() {
  const isIn = document.body.classList.contains("in");
  const page = isIn && fetch("/instances").then(async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html"));
  const docs = fetch(`/docs/search.json?lang=${document.documentElement.lang}`).then((answer) => answer.json());
  const [numbers, index] = await Promise.allSettled([page, docs]);
  for (const link of numbers.value ? numbers.value.querySelectorAll("tbody a[href$='/manage']") : []) {
    known.push({ kind: words.numbers, text: link.textContent.trim(), href: link.getAttribute("href") });
  }
  for (const one of index.value ?? []) {
    const text = one.heading === one.page ? one.page : `${one.heading} · ${one.page}`;
    sections.push({ kind: words.docs, text, href: one.path, body: `${text} ${one.text}`.toLowerCase() });
  }
  show();
}

/** What the box says by itself: a message's number or id, a phone, words. */
function direct(asked) {
  if (!document.body.classList.contains("in")) {
    return [{ kind: words.docs, text: asked, href: `/docs/search?${new URLSearchParams({ q: asked })}` }];
  }
  const log = { kind: words.messages, text: asked, href: `/message-logs?${new URLSearchParams({ q: asked })}` };
  const digits = asked.replace(/[\s().-]/g, "");
  if (/^\d{1,7}$/.test(digits)) return [{ kind: words.message, text: asked, href: `/message-logs/${digits}` }, log];
  if (/^\+?\d{8,15}$/.test(digits)) {
    const of = (path, kind) => ({ kind, text: asked, href: `${path}?${new URLSearchParams({ q: digits })}` });
    return [of("/message-logs", words.messages), of("/chat", words.chat), of("/suppressed-recipients", words.suppressed)];
  }
  return [log];
}

function found(asked) {
  const parts = asked.toLowerCase().split(/\s+/).filter(Boolean);
  if (!parts.length) return known.slice(0, MOST);
  const has = (text) => parts.every((part) => text.includes(part));
  const pages = known.filter((one) => has(one.text.toLowerCase()));
  const titled = sections.filter((one) => has(one.text.toLowerCase()));
  const others = sections.filter((one) => has(one.body) && !titled.includes(one));
  const own = direct(asked);
  // Figures mean a message or a person; words mean a page first.
  const all = /^[+\d\s().-]+$/.test(asked) || asked.startsWith("msg_") ? [...own, ...pages] : [...pages, ...titled, ...own, ...others];
  return all.slice(0, MOST);
}

let at = 0;
function show() {
  const all = found(field.value.trim());
  at = Math.min(at, Math.max(all.length - 1, 0));
  list.replaceChildren(
    ...all.map((one, i) => {
      const item = document.createElement("li");
      item.id = `palette-${i}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", i === at);
      item.dataset.href = one.href;
      const [kind, text] = [document.createElement("small"), document.createElement("bdi")];
      kind.textContent = one.kind;
      text.textContent = one.text;
      item.append(text, " ", kind);
      return item;
    }),
  );
  mark();
}

function mark() {
  for (const [i, item] of [...list.children].entries()) item.setAttribute("aria-selected", i === at);
  const chosen = list.children[at];
  if (chosen) field.setAttribute("aria-activedescendant", chosen.id);
  else field.removeAttribute("aria-activedescendant");
  chosen?.scrollIntoView({ block: "nearest" });
}

function go(item) {
  if (item) location.href = item.dataset.href;
}

field.addEventListener("input", () => {
  at = 0;
  show();
});
field.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    at = (at + step + list.children.length) % Math.max(list.children.length, 1);
    mark();
  } else if (event.key === "Enter") {
    event.preventDefault();
    go(list.children[at]);
  }
});
list.addEventListener("click", (event) => go(event.target.closest("li")));
dialog.addEventListener("click", (event) => {
  // Beside the box.
  if (event.target === dialog) dialog.close();
});

let isLoaded = false;
export function open() {
  if (dialog.open) return dialog.close();
  field.value = "";
  at = 0;
  show();
  dialog.showModal();
  field.focus();
  if (!isLoaded) load();
  isLoaded = true;
}
