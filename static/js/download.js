// <button data-download="#id" data-file-name="…">: saves the text of that element as a file made here in the browser,
// so that what is in it comes in no second answer.
(() => {
  "use strict";

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-download]").forEach((button) => (button.hidden = false));
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-download]");
    const source = button && document.querySelector(button.dataset.download);
    if (!source) return;
    const address = URL.createObjectURL(new Blob([source.textContent], { type: button.dataset.type || "text/plain" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = button.dataset.fileName;
    button.after(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    button.dispatchEvent(new CustomEvent("latchkey:copied", { bubbles: true, detail: { source } }));
  });
})();
