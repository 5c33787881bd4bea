// Shows every <dialog data-modal> modally, whether it came with the page or htmx put it into #dialogs.
// Closing gives the focus back to what opened it. Dialogs with data-reveal decide about leaving themselves (reveal.js).
(() => {
  "use strict";

  let asked = null;
  const openers = new WeakMap();

  const focusable = (element) => {
    if (!element?.isConnected) return null;
    const closed = element.closest("details:not([open])");
    return closed ? closed.querySelector("summary") : element;
  };

  // What opened it may have been redrawn meanwhile: then the menu of that row, or else the first thing in it.
  const redrawn = (id) => {
    const place = id && document.getElementById(id);
    if (!place || place.matches("a[href], button, [tabindex]")) return place;
    return place.querySelector(".menu > summary") || place.querySelector("a[href], button");
  };

  const giveBackFocus = (dialog) => {
    const opener = openers.get(dialog);
    const again = focusable(opener?.element) || focusable(redrawn(opener?.id));
    (again || document.getElementById("main"))?.focus();
  };

  const show = (dialog) => {
    const opener = asked || document.activeElement;
    openers.set(dialog, { element: opener, id: opener?.id || opener?.closest("[id]")?.id });
    dialog.removeAttribute("open");
    dialog.showModal();
    const first = dialog.querySelector("[autofocus]") || dialog.querySelector("[data-close]");
    first?.focus();
    asked = null;
  };

  const showAll = () => {
    document.querySelectorAll("dialog[data-modal]:not([data-closed])").forEach((dialog) => {
      if (!dialog.matches(":modal")) show(dialog);
    });
  };

  const fetched = (dialog) => dialog.parentElement?.id === "dialogs";

  document.addEventListener("DOMContentLoaded", showAll);
  document.addEventListener("htmx:afterSettle", showAll);

  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.target?.id === "dialogs") asked = detail.elt;
  });

  // A link with data-close is the way back for pages without JavaScript, and for dialogs that are a page of their own.
  document.addEventListener("click", (event) => {
    const control = event.target.closest("[data-close]");
    const dialog = control?.closest("dialog[data-modal]");
    if (!dialog || dialog.hasAttribute("data-reveal")) return;
    if (control.matches("a[href]") && !fetched(dialog)) return;
    event.preventDefault();
    dialog.close();
  });

  // "close" does not bubble, but it can be captured.
  document.addEventListener("close", ({ target }) => {
    if (!target.matches?.("dialog[data-modal]") || target.hasAttribute("data-reveal")) return;
    target.setAttribute("data-closed", "");
    const back = target.querySelector("a[href][data-close]");
    if (fetched(target)) {
      target.remove();
      giveBackFocus(target);
    } else if (back) {
      location.assign(back.href);
    }
  }, true);

  // The act succeeded: the dialog has done its work.
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const dialog = detail.elt?.closest?.("dialog[data-modal]");
    if (!dialog || !detail.successful || dialog.hasAttribute("data-reveal")) return;
    if (detail.elt.matches("form") && !dialog.contains(detail.target)) dialog.close();
  });

  document.addEventListener("latchkey:close-dialog", () => {
    document.querySelectorAll("dialog[data-modal]:modal").forEach((dialog) => dialog.close());
  });
})();
