// Copies what a button names: data-copy="#id" or data-copy-text="…".
// Tells sighted people by the button's word, others in the live region (data-copied-text says what).
(() => {
  "use strict";

  const SHOWN_MS = 2000;
  const waiting = new WeakMap();

  const source = (button) => button.dataset.copy && document.querySelector(button.dataset.copy);

  const textOf = (button) => {
    const from = source(button);
    return from ? from.value ?? from.textContent.trim() : button.dataset.copyText;
  };

  // Plain http has no Clipboard API. The field stands inside the dialog, or its focus trap would keep it from being selected.
  const copyBySelection = (text, near) => {
    const field = document.createElement("textarea");
    const focused = document.activeElement;
    field.value = text;
    field.readOnly = true;
    field.className = "visually-hidden";
    (near.closest("dialog") || document.body).append(field);
    field.focus({ preventScroll: true });
    field.select();
    let copied = false;
    try {
      copied = document.execCommand("copy");
    } finally {
      field.remove();
      focused?.focus({ preventScroll: true });
    }
    return copied;
  };

  const copy = async (text, near) => {
    if (navigator.clipboard && window.isSecureContext) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        // Not allowed here: the old way still may be.
      }
    }
    return copyBySelection(text, near);
  };

  const announce = (sentence, near) => {
    const inside = near.closest("dialog")?.querySelector("[data-announcer]");
    for (const region of [document.getElementById("announcer"), inside]) {
      if (!region) continue;
      region.textContent = "";
      setTimeout(() => (region.textContent = sentence), 50);
    }
  };

  const confirm = (button) => {
    const label = button.querySelector("[data-copy-label], .button__label, .visually-hidden");
    const before = waiting.get(button) || { word: label?.textContent };
    clearTimeout(before.timer);
    button.style.minInlineSize = `${button.offsetWidth}px`;
    button.setAttribute("data-copied", "");
    if (label) label.textContent = "Copied";
    before.timer = setTimeout(() => {
      if (label) label.textContent = before.word;
      button.removeAttribute("data-copied");
      button.style.minInlineSize = "";
      waiting.delete(button);
    }, SHOWN_MS);
    waiting.set(button, before);
  };

  // A button that is only a mark has no word to change: a toast says it, to eyes and ears.
  const tell = (sentence, button) => {
    const toasts = document.getElementById("toasts");
    if (!toasts || !button.matches(".button--icon") || button.closest("dialog")) return announce(sentence, button);
    toasts.querySelectorAll("[data-copied-toast]").forEach((toast) => toast.remove());
    const [toast, words] = [document.createElement("div"), document.createElement("p")];
    toast.className = "toast toast--plain";
    toast.setAttribute("data-toast", "");
    toast.setAttribute("data-copied-toast", "");
    words.textContent = sentence;
    toast.append(words);
    toasts.append(toast);
  };

  const selectInstead = (button) => {
    const from = source(button);
    if (from) getSelection().selectAllChildren(from);
    announce("Copying is not possible here. Select the value and copy it by hand.", button);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (!button) return;
    const text = textOf(button);
    if (!text) return;
    if (!(await copy(text, button))) return selectInstead(button);
    confirm(button);
    tell(button.dataset.copiedText || "Copied", button);
    button.dispatchEvent(new CustomEvent("latchkey:copied", { bubbles: true, detail: { source: source(button) } }));
  });
})();
