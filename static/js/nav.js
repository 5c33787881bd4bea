// The menu of small screens is a <details>; Escape closes it, and so does following one of its links.
(() => {
  "use strict";

  const toggle = () => document.querySelector("details[data-nav]");

  document.addEventListener("keydown", (event) => {
    const menu = toggle();
    if (event.key !== "Escape" || !menu?.open || !event.target.closest(".nav")) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  document.addEventListener("click", ({ target }) => {
    if (target.closest(".nav__entries a") && toggle()) toggle().open = false;
  });
})();

// The address changed without the page being loaded again: the mode switch leads back to the new one.
document.addEventListener("htmx:pushedIntoHistory", ({ detail }) => {
  const back = document.querySelector("[data-mode-switch] [name=next]");
  if (back) back.value = detail.path;
});
