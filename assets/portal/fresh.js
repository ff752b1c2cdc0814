// A list that stands still: above it a row says how many new ones there are, and loads the page again when asked to.
"use strict";

const bar = document.querySelector("[data-fresh]");
if (bar) {
  const { listen } = await import(bar.dataset.liveModule);
  const seen = new Set();
  const isOurs = bar.dataset.fresh === "out";
  const heard = (frame) => {
    // Only what was not there when the page was made; its later states are no news.
    if (frame.type !== "message" || frame.line.mine !== isOurs || frame.line.key[2] <= Number(bar.dataset.newest)) return;
    seen.add(frame.line.id);
    bar.querySelector("[data-n]").textContent = seen.size;
    bar.hidden = false;
  };
  listen({ instance: bar.dataset.instance, after: Number(bar.dataset.position), heard });
}
