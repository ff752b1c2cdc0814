// Files on the chat page: chosen, dropped or pasted. Each becomes a message, one after the other, with a bar that shows how
// far it is. A file that did not get through is chosen again, under the word that it had: it is never sent twice.
"use strict";

export function attach({ form, place, waitingLine, settle, refuse }) {
  const limits = JSON.parse(form.dataset.limits);
  const shelf = form.querySelector("[data-files]");
  const input = form.elements.file;
  const problem = form.querySelector("[data-problem]");
  /** What goes with the next message. */
  let chosen = [];
  /** What is on its way. */
  let parcels = [];
  let isWorking = false;
  const words = new WeakMap();

  // As the gateway judges by the bytes: what not every phone plays goes as a document.
  const KINDS = [
    ["image", /^image\/(jpeg|png|webp|gif)$/],
    ["video", /^video\/(mp4|3gpp)$/],
    ["audio", /^audio\/(mpeg|mp3|ogg|aac|amr|mp4|x-m4a)$/],
  ];
  const kindOf = (file) => KINDS.find(([, type]) => type.test(file.type))?.[0] ?? "document";

  function wrong(file) {
    if (file.size === 0) return form.dataset.empty;
    const limit = limits.find((one) => one.kind === kindOf(file));
    return file.size > limit.most ? limit.text : "";
  }

  function complain(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  function size(bytes) {
    const steps = ["byte", "kilobyte", "megabyte"];
    const step = Math.min(2, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
    const style = { style: "unit", unit: steps[step], maximumFractionDigits: 1, numberingSystem: "latn" };
    return new Intl.NumberFormat(document.documentElement.lang, style).format(bytes / 1024 ** step);
  }

  function show() {
    const template = form.querySelector("[data-file]");
    const rows = chosen.map((file) => {
      const row = template.content.firstElementChild.cloneNode(true);
      row.querySelector("bdi").textContent = file.name;
      row.querySelector("small").textContent = size(file.size);
      row.querySelector("button").addEventListener("click", () => {
        chosen = chosen.filter((one) => one !== file);
        show();
        form.elements.text.focus();
      });
      return row;
    });
    shelf.replaceChildren(...rows);
    shelf.hidden = !chosen.length;
  }

  /** More files; `isAgain`: they were chosen before, and what is said of them stands. */
  function add(files, isAgain) {
    const bad = files.map((file) => [file, wrong(file)]).filter(([, text]) => text);
    if (!isAgain) complain(bad.map(([file, text]) => `${file.name}: ${text}`).join("\n"));
    chosen = [...chosen, ...files.filter((file) => !wrong(file) && !chosen.includes(file))];
    show();
  }

  /** The messages that the chosen files make: the text goes with the first. Nothing where they cannot go so. */
  function take(said, nonce) {
    if (said.text.trim() && kindOf(chosen[0]) === "audio") {
      complain(form.dataset.alone);
      return undefined;
    }
    const all = chosen.map((file, at) => {
      const first = at ? { text: "" } : said;
      const word = words.get(file) ?? nonce();
      words.set(file, word);
      return { ...first, nonce: word, file };
    });
    chosen = [];
    show();
    return all;
  }

  function bring(one) {
    const body = new FormData();
    const { csrf } = form.elements;
    const fields = { as: "json", csrf: csrf.value, nonce: one.nonce, text: one.text, reply_to: one.reply_to ?? "" };
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append("file", one.file, one.file.name);
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        const bar = waitingLine(one.nonce)?.querySelector("progress");
        if (bar && total) bar.value = loaded / total;
      });
      request.addEventListener("loadend", () => {
        try {
          done([200, 422].includes(request.status) ? JSON.parse(request.responseText) : undefined);
        } catch {
          done(undefined);
        }
      });
      request.send(body);
    });
  }

  async function carry(more) {
    parcels.push(...more);
    if (isWorking) return;
    isWorking = true;
    for (let one = parcels[0]; one; one = parcels[0]) {
      const told = await bring(one);
      parcels.shift();
      if (!told) {
        waitingLine(one.nonce)?.remove();
        refuse(one, { problem: form.dataset.fileFailed });
        continue;
      }
      // Under this word the gateway has it, or refused it: another attempt is another message.
      words.delete(one.file);
      if (told.outcome !== "under_way") settle(one, told);
    }
    isWorking = false;
  }

  input.multiple = true;
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
    form.elements.text.focus();
  });
  form.elements.text.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    // Text that was copied from a word processor brings a picture of itself along.
    if (!files.length || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    add(files);
  });
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  place.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    place.classList.add("dropping");
  });
  place.addEventListener("dragleave", (event) => {
    if (!place.contains(event.relatedTarget)) place.classList.remove("dropping");
  });
  place.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    place.classList.remove("dropping");
    add([...event.dataTransfer.files]);
    form.elements.text.focus();
  });
  addEventListener("beforeunload", (event) => parcels.length && event.preventDefault());
  return { add, take, carry, has: () => chosen.length > 0, isCarrying: () => parcels.length > 0 };
}
