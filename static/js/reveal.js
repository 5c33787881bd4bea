// The dialog that shows a secret once: <dialog data-modal data-reveal data-done="/keys/…">.
// Leaving before the secret was copied asks first; afterwards nothing of it stays in the page or in the history.
(() => {
  "use strict";

  const dialog = () => document.querySelector("dialog[data-reveal]");
  let safe = false;
  let leaving = false;
  const copied = new Set();

  const done = () => {
    const address = dialog()?.dataset.done || "/";
    leaving = true;
    wipe();
    location.replace(address);
  };

  const wipe = () => {
    document.querySelectorAll("[data-secret]").forEach((element) => {
      if ("value" in element) element.value = "";
      element.textContent = "";
    });
    document.querySelectorAll("[data-reveal] [data-copy-text]").forEach((button) => button.removeAttribute("data-copy-text"));
  };

  const ask = (reveal) => {
    const question = reveal.querySelector("[data-question]");
    if (!question) return done();
    reveal.querySelector("[data-reveal-body]")?.setAttribute("inert", "");
    question.hidden = false;
    question.querySelector("[data-stay]")?.focus();
    question.scrollIntoView({ block: "nearest" });
  };

  const stay = (reveal) => {
    reveal.querySelector("[data-question]").hidden = true;
    reveal.querySelector("[data-reveal-body]")?.removeAttribute("inert");
    reveal.querySelector("[data-copy][autofocus], [data-copy]")?.focus();
  };

  const leave = (reveal) => (safe ? done() : ask(reveal));

  // Of several secrets each has to be taken along, or all of them together.
  const took = (secret) => {
    copied.add(secret);
    const each = [...document.querySelectorAll("[data-reveal] [data-each]")];
    if (!each.length || secret.matches("[data-everything]") || each.every((one) => copied.has(one))) safe = true;
  };

  document.addEventListener("latchkey:copied", ({ target, detail }) => {
    if (target.closest("[data-reveal]") && detail.source?.matches("[data-secret]")) took(detail.source);
  });

  document.addEventListener("latchkey:hide", done);

  // Selected and copied by hand counts as well.
  document.addEventListener("copy", () => {
    const selection = getSelection();
    const secrets = document.querySelectorAll("[data-reveal] [data-secret]");
    [...secrets].filter((secret) => selection.containsNode(secret, true)).forEach(took);
  });

  document.addEventListener("click", (event) => {
    const reveal = event.target.closest("[data-reveal]");
    if (!reveal) return;
    if (event.target.closest("[data-stay]")) {
      stay(reveal);
    } else if (event.target.closest("[data-leave]")) {
      done();
    } else if (event.target.closest("[data-close]")) {
      event.preventDefault();
      leave(reveal);
    }
  });

  // Escape answers the question with "go back"; otherwise it wants to leave.
  document.addEventListener("keydown", (event) => {
    const reveal = dialog();
    if (event.key !== "Escape" || !reveal?.matches(":modal")) return;
    event.preventDefault();
    const question = reveal.querySelector("[data-question]");
    if (question && !question.hidden) stay(reveal);
    else leave(reveal);
  });

  document.addEventListener("cancel", (event) => {
    if (!event.target.matches?.("[data-reveal]")) return;
    event.preventDefault();
    leave(event.target);
  }, true);

  // A browser may close it all the same (a second Escape): it comes back, with the question.
  document.addEventListener("close", ({ target }) => {
    if (leaving || !target.matches?.("[data-reveal]")) return;
    if (safe) return done();
    target.showModal();
    ask(target);
  }, true);

  window.addEventListener("beforeunload", (event) => {
    if (dialog()?.querySelector("[data-question]") && !safe && !leaving) event.preventDefault();
  });

  window.addEventListener("pagehide", wipe);

  window.addEventListener("pageshow", (event) => {
    if (event.persisted && dialog()) done();
  });
})();
