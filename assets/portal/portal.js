// What the pages do beyond plain HTML: copying, choosing without a button, the zone of this browser, the search dialog.
// Every page works without it.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const id = button.dataset.copy;
  const source = id ? document.getElementById(id) : button.closest("figure, .sample, section")?.querySelector("pre, code");
  if (!source) return;
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  button.classList.add("copied");
  button.setAttribute("aria-live", "polite");
  setTimeout(() => button.classList.remove("copied"), 1500);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// A form is sent once: the second click of a double click would make a second key, or send a message twice.
const ONCE_WITHIN = 10_000;
document.addEventListener("submit", (event) => {
  const form = event.target, asked = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (event.defaultPrevented || form.method !== "post") return;
  if (performance.now() - Number(form.dataset.sent ?? -ONCE_WITHIN) < ONCE_WITHIN || (asked && !confirm(asked))) event.preventDefault();
  // A download leaves the page as it is.
  else if (!event.submitter?.hasAttribute("data-download")) form.dataset.sent = performance.now();
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    const palette = document.querySelector("template[data-palette]");
    import(palette.dataset.palette).then((module) => module.open());
  }
  if (event.key === "Escape") for (const open of document.querySelectorAll("details.menu[open]")) open.open = false;
});

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.menu[open]")) if (!open.contains(event.target)) open.open = false;
});

// What was done is said once: loaded again, the page has nothing new to say.
const here = new URL(location.href);
if (here.searchParams.has("done")) {
  here.searchParams.delete("done");
  here.searchParams.delete("n");
  history.replaceState(history.state, "", here);
}

for (const field of document.querySelectorAll("[data-timezone]")) {
  if (field.value === "UTC") field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
}

// The whole row leads where its link does; what is marked to be copied leads nowhere.
for (const table of document.querySelectorAll("table.linked")) table.addEventListener("click", (event) => {
  if (event.target.closest("a, button") || String(getSelection())) return;
  event.target.closest("tr")?.querySelector(".when a")?.click();
});
