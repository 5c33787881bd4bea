// <dialog data-reveal data-hides="30">: after so many seconds it hides itself, as if "Hide now" had been pressed.
(() => {
  "use strict";

  const start = (dialog) => {
    const ends = Date.now() + Number(dialog.dataset.hides) * 1000;
    const line = dialog.querySelector("[data-countdown]");
    const seconds = dialog.querySelector("[data-countdown-seconds]");
    line.hidden = false;
    const tick = () => {
      const left = Math.ceil((ends - Date.now()) / 1000);
      if (left > 0) {
        seconds.textContent = left;
        return;
      }
      clearInterval(ticking);
      dialog.dispatchEvent(new CustomEvent("latchkey:hide", { bubbles: true }));
    };
    const ticking = setInterval(tick, 250);
    // A tab in the background ticks slowly: it hides before it is looked at again.
    document.addEventListener("visibilitychange", tick);
  };

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("dialog[data-hides]").forEach(start));
})();
