// A word from the browser when somebody writes while this page is not looked at: asked for with a button, kept for this
// browser alone, and only where the browser lets pages do it (over HTTPS or on this machine).
"use strict";

const KEPT = "wa-gateway:notify";

/** Makes the button work; gives what is to be called with each message that is heard. */
export function notify({ button, refusal, open }) {
  const isPossible = "Notification" in window && window.isSecureContext;
  if (!isPossible) {
    button.disabled = true;
    return () => {};
  }
  const isOn = () => Notification.permission === "granted" && localStorage.getItem(KEPT) === "on";
  const show = () => button.setAttribute("aria-pressed", isOn());
  show();
  button.addEventListener("click", async () => {
    const wanted = !isOn();
    localStorage.setItem(KEPT, wanted ? "on" : "off");
    refusal.textContent = "";
    if (wanted && (await Notification.requestPermission()) !== "granted") refusal.textContent = button.dataset.no;
    show();
  });
  return ({ chat, who, text }) => {
    if (document.visibilityState === "visible" || !isOn()) return;
    try {
      // One for each chat: the newest takes the place of the one before.
      const told = new Notification(who, { body: text, tag: `wa-gateway:${chat}`, icon: button.dataset.icon });
      told.addEventListener("click", () => {
        window.focus();
        told.close();
        open(chat);
      });
    } catch {
      // A phone's browser shows them for installed pages only.
      button.disabled = true;
    }
  };
}
