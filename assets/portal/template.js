// The preview of a template follows what is typed into its blanks; without script a button shows it.
"use strict";

const preview = document.querySelector("[data-preview]");
if (preview) {
  const form = preview.closest("form");
  for (const step of form.querySelectorAll("button[value=preview]")) step.hidden = true;
  form.addEventListener("input", (event) => {
    const { id, value } = event.target;
    for (const shown of preview.querySelectorAll("[data-shows]")) {
      if (shown.dataset.shows === id) shown.textContent = value.trim() || shown.dataset.written;
    }
  });
}
