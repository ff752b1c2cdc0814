// The chat page, live: new lines, what became of those that were sent, the list of chats; typing, sending, keys. Markup
// comes from the gateway, which escaped it; what is typed here is only ever set as text.
"use strict";

const talk = document.querySelector("[data-talk]");
talk.classList.add("lively");
const { instance, chat } = talk.dataset;
const list = talk.querySelector("[data-list]");
const lines = talk.querySelector("[data-lines]");
const scroller = talk.querySelector("[data-scroll]");
const news = talk.querySelector("[data-news]");
const form = talk.querySelector("[data-compose]");
const field = form?.elements.text;
/** Files that go along, where the number sends any. */
let attached;
const key = (name) => `wa-gateway:${name}:${instance}:${chat}`;
const element = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
};

// ---- Lines: by id, each once; in the order of their keys. ----

const place = (line) => line.dataset.key?.split(".").map(Number);
const isAfter = (a, b) => {
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return false;
};

function put(line) {
  const { id, nonce } = line.dataset;
  const known = lines.querySelector(`[data-id="${CSS.escape(id)}"]`);
  const waiting = nonce && lines.querySelector(`:not([data-id])[data-nonce="${CSS.escape(nonce)}"]`);
  waiting?.remove();
  if (known?.dataset.key === line.dataset.key) {
    replace(known, line);
  } else {
    // One that waited for its time stands where it went.
    known?.remove();
    const key = place(line);
    let before = lines.lastElementChild;
    // What waits has no place yet and stands last.
    while (before && (!before.dataset.key || isAfter(place(before), key))) before = before.previousElementSibling;
    before ? before.after(line) : lines.prepend(line);
  }
  if (nonce) outbox.forget(nonce);
  talk.querySelector("[data-start]")?.remove();
  days();
  return !known;
}

/** Who is at one of its buttons stays there. */
function replace(known, line) {
  const focused = known.contains(document.activeElement) ? document.activeElement : undefined;
  const signs = known.querySelector(".signs");
  known.replaceWith(line);
  if (signs) {
    line.querySelector(".meta").after(signs);
    line.querySelector("[data-react]").setAttribute("aria-expanded", "true");
  }
  const same = focused?.matches("[data-react]") ? "[data-react]" : "[data-reply]";
  if (focused) (signs?.contains(focused) ? focused : line.querySelector(same))?.focus();
}

function days() {
  let day;
  for (const line of lines.children) {
    line.classList.toggle("first", !!line.dataset.day && line.dataset.day !== day);
    day = line.dataset.day ?? day;
  }
}

const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
  hideNews();
}
let below = 0;
function hideNews() {
  below = 0;
  if (news) news.hidden = true;
}

// ---- The list ----

let later = new Map();
function row(frame) {
  // Nothing moves under the pointer.
  if (list.matches(":hover")) return later.set(frame.chat, frame);
  const fresh = element(frame.row);
  const old = list.querySelector(`[data-chat="${CSS.escape(frame.chat)}"]`);
  const search = talk.querySelector("#cq").value.trim();
  if (!old && search) return;
  if (old?.querySelector("[aria-current]")) fresh.querySelector("a").setAttribute("aria-current", "true");
  const focused = old?.contains(document.activeElement);
  old?.remove();
  const next = [...list.children].find((one) => Number(one.dataset.at) <= frame.at);
  next ? next.before(fresh) : list.append(fresh);
  talk.querySelector("[data-none]")?.replaceChildren();
  if (focused) fresh.querySelector("a").focus();
}
list.addEventListener("mouseleave", () => {
  const all = later;
  later = new Map();
  for (const frame of all.values()) row(frame);
});

// ---- Reading ----

let reading;
function markRead() {
  if (!form || document.visibilityState !== "visible") return;
  clearTimeout(reading);
  reading = setTimeout(() => {
    const body = new URLSearchParams({ as: "json", csrf: form.elements.csrf.value });
    fetch(form.dataset.read, { method: "POST", body }).catch(() => {});
  }, 300);
}

// ---- Sending: each with a word of its own, one after the other, until it is known what became of it. ----

const outbox = {
  all: () => {
    try {
      return JSON.parse(localStorage.getItem(key("outbox")) ?? "[]");
    } catch {
      return [];
    }
  },
  keep: (all) => localStorage.setItem(key("outbox"), JSON.stringify(all)),
  add: (one) => outbox.keep([...outbox.all(), one]),
  forget: (nonce) => {
    const all = outbox.all();
    if (all.some((one) => one.nonce === nonce)) outbox.keep(all.filter((one) => one.nonce !== nonce));
  },
};

function showWaiting({ nonce, text, quoted, file }) {
  const line = talk.querySelector("[data-pending]").content.firstElementChild.cloneNode(true);
  line.dataset.nonce = nonce;
  const [quote, parcel] = [line.querySelector("blockquote"), line.querySelector(".file")];
  quote.hidden = !quoted;
  quote.textContent = quoted ?? "";
  parcel.hidden = !file;
  parcel.querySelector("bdi").textContent = file?.name ?? "";
  line.querySelector(".text").hidden = !text;
  line.querySelector(".text").textContent = text;
  line.querySelector(".tick").textContent = form.dataset.sending;
  lines.append(line);
  talk.querySelector("[data-start]")?.remove();
  toEnd();
}

const waitingLine = (nonce) => lines.querySelector(`:not([data-id])[data-nonce="${CSS.escape(nonce)}"]`);
let isSending = false;
let retry;
let failures = 0;

async function work() {
  if (isSending) return;
  isSending = true;
  clearTimeout(retry);
  try {
    for (let one = outbox.all()[0]; one; one = outbox.all()[0]) {
      if (!(await post(one))) break;
    }
  } finally {
    isSending = false;
  }
}

/** Sends one; false: it is not known yet what became of it, and it is tried again by and by. */
async function post(one) {
  const { nonce, text, reply_to = "" } = one;
  const body = new URLSearchParams({ as: "json", csrf: form.elements.csrf.value, nonce, text, reply_to });
  let answer, told;
  try {
    answer = await fetch(form.action, { method: "POST", body });
    if (answer.redirected) return location.reload();
    told = answer.status === 200 || answer.status === 422 ? await answer.json() : undefined;
  } catch {
    answer = undefined;
  }
  if (!answer || answer.status >= 500 || (told && told.outcome === "under_way")) {
    const tick = waitingLine(one.nonce)?.querySelector(".tick");
    if (tick) tick.textContent = form.dataset.waiting;
    retry = setTimeout(work, Math.min(15000, 500 * 2 ** failures++));
    return false;
  }
  failures = 0;
  outbox.forget(one.nonce);
  settle(one, told);
  return true;
}

/** It is known what became of one. */
function settle(one, told) {
  // What was heard meanwhile is newer than this answer.
  const line = told?.html && element(told.html);
  if (line && !lines.querySelector(`[data-id="${CSS.escape(line.dataset.id)}"]`)) put(line);
  waitingLine(one.nonce)?.remove();
  if (told?.problem || !told || told.refusal) refuse(one, told);
  else if (told.chat && told.chat !== chat && !(attached?.isCarrying() || outbox.all().length)) {
    // The first message to a number: from now on it is a chat.
    location.href = `/chat?${new URLSearchParams({ instance, chat: told.chat })}`;
  }
}

/** Says why where one types, and gives the text back. */
function refuse(one, told) {
  const problem = talk.querySelector("[data-problem]");
  const refusal = told?.refusal && `${form.dataset.refused}: ${told.refusal.text} ${told.refusal.advice ?? ""}`;
  // The number or the chat is gone, or whoever writes may not any more: a page that is loaded again says which.
  problem.textContent = told?.problem ?? refusal ?? form.dataset.gone;
  problem.hidden = false;
  if (!field.value) field.value = one.text;
  if (one.file) attached.add([one.file], true);
  if (one.reply_to && !form.elements.reply_to?.value) reply(one.reply_to, one.quoted);
  draft();
}

// ---- Answering one message, which is quoted ----

/** Answers the line with this id from now on; without one, none. */
function reply(id, quoted) {
  const strip = form?.querySelector("[data-answering]");
  if (!strip) return;
  form.elements.reply_to.value = id ?? "";
  strip.querySelector("[data-quoted]").textContent = quoted ?? "";
  strip.hidden = !id;
}

const shortly = (line) =>
  (line.querySelector(".text") ?? line.querySelector(".file, img, .quiet"))?.textContent.trim().slice(0, 140) ||
  line.querySelector("img")?.alt || "";

lines?.addEventListener("click", (event) => {
  if (!event.target.closest("[data-reply]")) return;
  const line = event.target.closest("[data-id]");
  reply(line.dataset.id, shortly(line));
  field.focus();
});

// ---- Signs on a message: one of ours each, which the same one again takes back. ----

function closeSigns() {
  const open = lines?.querySelector(".signs");
  if (!open) return false;
  open.closest("[data-id]").querySelector("[data-react]").setAttribute("aria-expanded", "false");
  open.remove();
  return true;
}

lines?.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-react]");
  const choice = event.target.closest(".signs button");
  const line = event.target.closest("[data-id]");
  if (choice) {
    closeSigns();
    line.querySelector("[data-react]").focus();
    return react(line, choice.value === line.dataset.sign ? "" : choice.value);
  }
  const wasOpen = opener?.getAttribute("aria-expanded") === "true";
  if (opener) closeSigns();
  if (!opener || wasOpen) return;
  const signs = talk.querySelector("[data-signs]").content.firstElementChild.cloneNode(true);
  for (const button of signs.children) button.setAttribute("aria-pressed", button.value === line.dataset.sign);
  line.querySelector(".meta").after(signs);
  opener.setAttribute("aria-expanded", "true");
  signs.scrollIntoView({ block: "nearest" });
  signs.firstElementChild.focus();
});

async function react(line, emoji) {
  const fields = { as: "json", csrf: form.elements.csrf.value, nonce: nonce(), line: line.dataset.id, emoji };
  let told;
  try {
    const answer = await fetch(form.dataset.react, { method: "POST", body: new URLSearchParams(fields) });
    if (answer.redirected) return location.reload();
    told = await answer.json();
  } catch {
    told = { problem: form.dataset.noReact };
  }
  if (told.problem || told.refusal) refuse({ text: "" }, told);
  else if (told.html) put(element(told.html));
}

form?.querySelector("[data-no-reply]")?.addEventListener("click", () => {
  reply();
  field.focus();
});

function draft() {
  if (field.value) localStorage.setItem(key("draft"), field.value);
  else localStorage.removeItem(key("draft"));
  field.style.blockSize = "auto";
  field.style.blockSize = `${Math.min(field.scrollHeight + 2, 200)}px`;
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value;
    if (!text.trim() && !attached?.has()) return;
    const said = { nonce: nonce(), text };
    if (form.elements.reply_to?.value) {
      said.reply_to = form.elements.reply_to.value;
      said.quoted = form.querySelector("[data-quoted]").textContent;
    }
    talk.querySelector("[data-problem]").hidden = true;
    if (attached?.has()) {
      const parcels = attached.take(said, nonce);
      if (!parcels) return;
      parcels.forEach(showWaiting);
      attached.carry(parcels);
    } else {
      outbox.add(said);
      showWaiting(said);
      work();
    }
    field.value = "";
    reply();
    draft();
    field.focus();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  field.addEventListener("input", draft);
  field.addEventListener("input", typing);
  if (!field.value) field.value = localStorage.getItem(key("draft")) ?? "";
  draft();
  for (const one of outbox.all()) showWaiting(one);
  work();
  addEventListener("online", work);
}

/** Says now and then that somebody writes here. */
let nextTyping = 0;
function typing() {
  const now = Date.now();
  if (!form.dataset.typing || !field.value.trim() || now < nextTyping) return;
  nextTyping = now + 10000;
  const body = new URLSearchParams({ csrf: form.elements.csrf.value });
  fetch(form.dataset.typing, { method: "POST", body }).catch(() => {});
}

/** Not `randomUUID`, which browsers keep from plain HTTP. */
function nonce() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

// ---- Earlier lines, search, keys ----

async function earlier(link) {
  const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html");
  const found = page.querySelector("[data-lines]");
  if (!found) return location.reload();
  const height = scroller.scrollHeight;
  for (const line of [...found.children].reverse()) {
    if (!lines.querySelector(`[data-id="${CSS.escape(line.dataset.id)}"]`)) lines.prepend(document.adoptNode(line));
  }
  days();
  const next = page.querySelector("[data-earlier]");
  next ? (link.href = next.href) : link.parentElement.remove();
  scroller.scrollTop += scroller.scrollHeight - height;
}
let isFetching = false;
talk.querySelector("[data-earlier]")?.addEventListener("click", async (event) => {
  event.preventDefault();
  if (isFetching) return;
  isFetching = true;
  await earlier(event.currentTarget ?? event.target).catch(() => {});
  isFetching = false;
});

const search = talk.querySelector("#cq");
let asking;
search.addEventListener("input", () => {
  clearTimeout(asking);
  asking = setTimeout(async () => {
    const query = new URLSearchParams({ instance, q: search.value });
    const asked = search.value;
    const page = new DOMParser().parseFromString(await (await fetch(`/chat?${query}`)).text(), "text/html");
    if (asked !== search.value) return;
    for (const part of ["[data-list]", "[data-none]"]) {
      talk.querySelector(part).replaceChildren(...(page.querySelector(part)?.childNodes ?? []));
    }
    list.querySelector(`[data-chat="${CSS.escape(chat)}"] a`)?.setAttribute("aria-current", "true");
  }, 200);
});

talk.addEventListener("keydown", (event) => {
  const links = [...list.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  const isInList = at >= 0 || document.activeElement === search;
  if (isInList && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    next < 0 ? search.focus() : links[Math.min(next, links.length - 1)]?.focus();
  } else if (event.key === "Escape" && lines?.querySelector(".signs")) {
    const opener = lines.querySelector(".signs").closest("[data-id]").querySelector("[data-react]");
    closeSigns();
    opener.focus();
  } else if (event.key === "Escape" && form?.contains(document.activeElement) && form.elements.reply_to?.value) {
    reply();
  } else if (event.key === "Escape") {
    if (document.activeElement === search && search.value) {
      search.value = "";
      search.dispatchEvent(new Event("input"));
    } else (links.find((link) => link.matches("[aria-current]")) ?? links[0] ?? search).focus();
  }
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, textarea, select")) {
    event.preventDefault();
    search.focus();
  }
});

// ---- Live ----

let tellElsewhere;
function heard(frame) {
  if (isNews(frame)) tellElsewhere?.(summary(frame));
  if (frame.row) row(frame);
  if (frame.type !== "message" || frame.chat !== chat) return;
  const wasAtEnd = isAtEnd();
  const isNew = put(element(frame.html));
  if (isNew && !frame.line.mine) {
    markRead();
    say(frame.line);
  }
  if (wasAtEnd) toEnd();
  else if (isNew) {
    below += 1;
    news.textContent = `${news.dataset.text} (${below})`;
    news.hidden = false;
  }
}

/** How many are not read, by chat, as it was heard last. */
const counts = new Map();
const unreadOf = (chat) => counts.get(chat) ?? list.querySelector(`[data-chat="${CSS.escape(chat)}"] .count`)?.firstChild.data ?? 0;

/** Whether more waits in a chat than before; a state, an edit or a sign is no news. */
function isNews({ type, chat, unread }) {
  if (unread === undefined) return false;
  const isMore = type === "message" && unread > Number(unreadOf(chat));
  counts.set(chat, unread);
  return isMore;
}

const summary = ({ chat, row, line }) => ({
  chat,
  who: line.writer ?? (row && element(row).querySelector(".who")?.textContent.trim()) ?? "",
  text: line.text || line.file?.name || line.kind,
});

/** Tells who listens instead of looking: who says what, once and without the rest of the line. */
function say({ writer, text, kind, file }) {
  const who = writer ?? talk.querySelector(".thread h2 bdi").textContent;
  talk.querySelector("[data-said]").textContent = `${who}: ${text || file?.name || kind}`;
}

const wire = talk.querySelector("[data-wire]");
let wasLost = false;
function wired(isUp) {
  talk.dataset.wired = isUp;
  if (wire && (!isUp || wasLost)) wire.textContent = isUp ? wire.dataset.back : wire.dataset.lost;
  if (isUp && wasLost) {
    setTimeout(() => wire && talk.dataset.wired === "true" && (wire.textContent = ""), 3000);
    if (form) work();
  }
  wasLost = !isUp;
}

if (lines) {
  days();
  toEnd();
  news.addEventListener("click", toEnd);
  let stays = true;
  scroller.addEventListener("scroll", () => {
    stays = isAtEnd();
    if (stays) hideNews();
  });
  // A phone's keyboard takes half of the view: the end stays in sight.
  new ResizeObserver(() => stays && toEnd()).observe(scroller);
  if (list.querySelector(`[data-chat="${CSS.escape(chat)}"].unread`)) markRead();
  document.addEventListener("visibilitychange", markRead);
}
if (form?.dataset.changeModule) {
  const { begin } = await import(form.dataset.changeModule);
  const show = (html) => put(element(html));
  begin({ talk, lines, form, field, put: show, refuse: (text, told) => refuse({ text }, told), grow: draft, nonce });
}
if (form?.dataset.attachModule) {
  const { attach } = await import(form.dataset.attachModule);
  attached = attach({ form, place: talk.querySelector(".thread"), waitingLine, settle, refuse });
}
const bell = talk.querySelector("[data-notify]");
if (bell) {
  const { notify } = await import(bell.dataset.notify);
  const open = (chat) => (location.href = `/chat?${new URLSearchParams({ instance, chat })}`);
  tellElsewhere = notify({ button: bell, refusal: talk.querySelector("[data-notify-no]"), open });
}
const position = Number(talk.dataset.position);
if (position >= 0) {
  const { listen } = await import(talk.dataset.liveModule);
  listen({ instance, after: position, heard, wire: wired });
}
