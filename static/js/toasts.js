// Toasts: they go by themselves after a while, but never while somebody reads (hover, focus) or when they report a failure (data-stay).
// While a modal dialog is open the page behind it cannot be reached, so the toast moves into the dialog.
(() => {
  "use strict";

  const SHOWN_MS = 8000;
  const timers = new WeakMap();

  const read = (toast) => toast.matches(":hover, :focus-within");

  const rest = (toast) => {
    clearTimeout(timers.get(toast));
    if (toast.hasAttribute("data-stay")) return;
    timers.set(toast, setTimeout(() => (read(toast) ? rest(toast) : toast.remove()), SHOWN_MS));
  };

  const receive = (toast) => {
    const dialog = document.querySelector("dialog:modal");
    if (dialog && !dialog.contains(toast)) {
      toast.setAttribute("role", "alert");
      dialog.append(toast);
      toast.scrollIntoView({ block: "nearest" });
    }
    rest(toast);
  };

  document.addEventListener("click", (event) => {
    event.target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
  });

  // What was swapped in may have a sentence for those who don't see it change; it takes the focus if that was lost.
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    const said = target.dataset?.said;
    const announcer = document.getElementById("announcer");
    if (!said || !announcer) return;
    announcer.textContent = said;
    if (document.activeElement === document.body) target.focus({ preventScroll: true });
  });

  document.addEventListener("DOMContentLoaded", () => {
    const toasts = document.getElementById("toasts");
    if (!toasts) return;
    toasts.querySelectorAll("[data-toast]").forEach(rest);
    new MutationObserver((changes) => {
      changes.flatMap(({ addedNodes }) => [...addedNodes])
        .filter((node) => node.matches?.("[data-toast]"))
        .forEach(receive);
    }).observe(toasts, { childList: true });
  });
})();
