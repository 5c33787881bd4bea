// The list of keys by hand: arrows walk from row to row, Space or x selects, Shift selects a range.
// While something is selected, the bar of #bulk takes the place of the filters and says how many.
(() => {
  "use strict";

  let anchor = null;

  const bar = () => document.querySelector("[data-bulk]");
  const boxes = () => [...document.querySelectorAll("#keys tbody .tick input")];
  const every = () => bar()?.querySelector("[data-bulk-all]");

  const say = (element, words) => {
    if (element && element.textContent !== words) element.textContent = words;
  };

  const draw = () => {
    const form = bar();
    const filters = document.querySelector(".filters");
    const all = every()?.checked;
    const listed = boxes();
    if (all) listed.forEach((box) => (box.checked = true));
    const count = listed.filter((box) => box.checked).length;
    const active = Boolean(form) && (all || count > 0);
    if (form && active && filters && !filters.hasAttribute("data-replaced")) {
      // The rows stay where they are while one bar takes the place of the other.
      form.style.minBlockSize = `${filters.offsetHeight}px`;
    }
    form?.toggleAttribute("data-active", active);
    filters?.toggleAttribute("data-replaced", active);
    say(form?.querySelector("[data-bulk-count]"), all ? "All selected" : `${count} selected`);
    const page = document.querySelector("[data-bulk-page]");
    if (page) {
      page.checked = count > 0 && count === listed.length;
      page.indeterminate = count > 0 && count < listed.length;
    }
  };

  const tickAll = (ticked) => {
    if (!ticked && every()) every().checked = false;
    boxes().forEach((box) => (box.checked = ticked));
    draw();
  };

  // A click with Shift, or Shift and Space, takes along everything since the last one.
  document.addEventListener("click", ({ target, shiftKey }) => {
    if (target.closest("[data-bulk-clear]")) {
      tickAll(false);
      (boxes()[0] || document.getElementById("main"))?.focus();
      return;
    }
    if (!target.matches("#keys tbody .tick input")) return;
    const listed = boxes();
    const [from, to] = [listed.indexOf(anchor), listed.indexOf(target)].sort((a, b) => a - b);
    if (shiftKey && from >= 0) {
      listed.slice(from, to + 1).forEach((box) => (box.checked = target.checked));
    }
    anchor = target;
    if (!target.checked && every()) every().checked = false;
    draw();
  });

  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-bulk-page]")) tickAll(target.checked);
    if (target === every()) tickAll(target.checked);
  });

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    const row = target.closest?.("#keys tbody tr");
    if (!row || target.closest("details") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "x") {
      row.querySelector(".tick input").click();
    } else if (key === "ArrowDown" || key === "ArrowUp") {
      const next = key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
      const place = target.matches(".tick input") ? ".tick input" : ".table__name";
      event.preventDefault();
      next?.querySelector(place)?.focus();
    }
  });

  for (const moment of ["DOMContentLoaded", "htmx:afterSettle"]) document.addEventListener(moment, draw);
  window.addEventListener("pageshow", draw);
})();
