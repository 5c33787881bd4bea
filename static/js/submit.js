// A form that changes something is sent once, however often one clicks; its button says so (data-busy) and keeps its size.
// data-submit-on-change sends the form of a field, or any field of a form, when it changes.
(() => {
  "use strict";

  const sending = new Set();

  const label = (button) => button.querySelector(".button__label") || button;

  const start = (form, button) => {
    sending.add(form);
    form.setAttribute("aria-busy", "true");
    if (!button) return;
    button.style.minInlineSize = `${button.offsetWidth}px`;
    button.setAttribute("aria-disabled", "true");
    if (!button.dataset.busy || (label(button) === button && button.children.length)) return;
    button.dataset.idle = label(button).textContent;
    label(button).textContent = button.dataset.busy;
  };

  const end = (form) => {
    sending.delete(form);
    form.removeAttribute("aria-busy");
    const outside = form.id ? document.querySelectorAll(`[form="${CSS.escape(form.id)}"][aria-disabled]`) : [];
    [...form.querySelectorAll("button[aria-disabled]"), ...outside].forEach((button) => {
      button.removeAttribute("aria-disabled");
      button.style.minInlineSize = "";
      if (button.dataset.idle === undefined) return;
      label(button).textContent = button.dataset.idle;
      delete button.dataset.idle;
    });
  };

  const counts = (form) => form.method === "post" && !form.matches("[role=search], [data-repeatable]");

  // Captured, so that neither the browser nor htmx hears of the second click.
  document.addEventListener("submit", (event) => {
    if (!sending.has(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && counts(event.target)) start(event.target, event.submitter);
  });

  // A form may also ask while it is being filled in; that is not being sent.
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const form = detail.elt;
    const cause = detail.requestConfig?.triggeringEvent;
    if (form.matches?.("form") && counts(form) && cause?.type === "submit") start(form, cause.submitter);
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (sending.has(detail.elt)) end(detail.elt);
  });

  window.addEventListener("pageshow", () => [...sending].forEach(end));

  document.addEventListener("change", ({ target }) => {
    const wished = target.closest("[data-submit-on-change]");
    if (wished && target.form) target.form.requestSubmit();
  });
})();
