// The connection of a number, live: the part of the page that shows it is written again by the gateway and put in.
"use strict";

const region = document.querySelector("[data-live=connection]");
if (region) {
  const { listen } = await import(region.dataset.liveModule);
  let ended = "";
  // How many seconds the code that is shown is good for.
  const count = () => {
    const left = region.querySelector("[data-until]");
    if (!left) return;
    const seconds = Math.ceil((Date.parse(left.dataset.until) - Date.now()) / 1000);
    left.textContent = `${Math.max(0, seconds)} ${left.dataset.unit}`;
    // A code that has run out is no code any more: the page is asked for the next one, once for each.
    if (seconds > 0 || ended === left.dataset.until) return;
    ended = left.dataset.until;
    refresh().catch(() => (isFetching = false));
  };
  let isFetching = false;
  let isStale = false;
  const refresh = async () => {
    isStale = true;
    if (isFetching) return;
    isFetching = true;
    while (isStale) {
      isStale = false;
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      const fresh = page.querySelector("[data-live=connection]");
      if (fresh) region.replaceChildren(...fresh.childNodes);
      count();
    }
    isFetching = false;
  };
  count();
  setInterval(count, 1000);
  const after = Number(region.dataset.position);
  const heard = (frame) => {
    if (frame.type === "connection") refresh().catch(() => (isFetching = false));
  };
  listen({ instance: region.dataset.instance, after, heard });
}
