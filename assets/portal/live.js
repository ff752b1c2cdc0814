// What a page hears while it is open: one WebSocket, which comes back by itself where it was.
"use strict";

const QUIET = 65000; // the gateway says something every 25 s; longer than this, nobody is there
const SLOWEST = 20000;

/**
 * Listens from `after` on. `heard(frame)` gets each frame that tells something; `wire(isUp)` each time the connection
 * comes or goes. A page that cannot be told what it missed is loaded again.
 */
export function listen({ instance, after, heard, wire = () => {} }) {
  let position = after;
  let socket, watchdog, again;
  let tries = 0;

  const open = () => {
    clearTimeout(again);
    const query = new URLSearchParams({ after: position });
    if (instance) query.set("instance", instance);
    const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws?${query}`);
    socket = mine;
    watch();
    mine.addEventListener("message", (event) => {
      if (socket !== mine) return;
      watch();
      const frame = JSON.parse(event.data);
      if (frame.type === "reset") return location.reload();
      if (frame.type === "ready") {
        tries = 0;
        wire(true);
      } else if (frame.type !== "beat") heard(frame);
      if ("waiting" in frame) waits(frame.waiting);
      // After it was taken in: what is lost on the way there is told again.
      if (Number.isInteger(frame.position)) position = Math.max(position, frame.position);
    });
    mine.addEventListener("close", (event) => {
      if (socket !== mine) return;
      lost(event.code);
    });
  };

  const lost = (code) => {
    socket = undefined;
    clearTimeout(watchdog);
    wire(false);
    // Another login, or another role: the page says what is to be done.
    if (code === 4001) return location.reload();
    const pause = Math.min(SLOWEST, 500 * 2 ** tries++) * (0.5 + Math.random() / 2);
    again = setTimeout(open, pause);
  };

  const watch = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      const silent = socket;
      lost(0);
      silent?.close();
    }, QUIET);
  };

  const now = () => {
    if (!socket) {
      tries = 0;
      open();
    }
  };
  addEventListener("online", now);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now());
  addEventListener("pagehide", () => {
    clearTimeout(again);
    const last = socket;
    socket = undefined;
    last?.close();
  });
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
}

/** How many chats wait to be read: beside "Chat", and in the window's title, which is seen where the page is not. */
function waits(count) {
  for (const badge of document.querySelectorAll("[data-unread]")) {
    badge.hidden = !count;
    badge.querySelector("bdi").textContent = count;
  }
  const title = document.title.replace(/^\([^)]*\) /, "");
  document.title = count ? `(${count}) ${title}` : title;
}
