// Things that open over the page: <details data-popup>. One at a time; a click elsewhere or Escape closes it,
// the arrow keys walk through it. With data-popup="hover" resting the pointer on it opens it too.
(() => {
  "use strict";

  const opened = () => document.querySelectorAll("details[data-popup][open]");
  const items = (popup) => [...popup.querySelectorAll("a[href], button")];

  const closeOthers = (kept) => opened().forEach((popup) => {
    if (popup !== kept) popup.open = false;
  });

  document.addEventListener("click", ({ target }) => {
    closeOthers(target.closest("details[data-popup]"));
    const item = target.closest("[data-popup] a[href], [data-popup] button");
    if (item) item.closest("[data-popup]").open = false;
  });

  document.addEventListener("keydown", (event) => {
    const popup = event.target.closest?.("details[data-popup]");
    if (!popup) return;
    const list = items(popup);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && popup.open) {
      popup.open = false;
      popup.querySelector("summary").focus();
    } else if (step && list.length) {
      event.preventDefault();
      popup.open = true;
      const at = list.indexOf(document.activeElement);
      list[at < 0 && step < 0 ? list.length - 1 : (at + step + list.length) % list.length].focus();
    } else if ((event.key === "Home" || event.key === "End") && popup.open && list.length) {
      event.preventDefault();
      list.at(event.key === "Home" ? 0 : -1).focus();
    }
  });

  // The focus went on: nothing is left open behind it.
  document.addEventListener("focusin", ({ target }) => closeOthers(target.closest("details[data-popup]")));

  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType !== "mouse") return;
    const popup = target.closest("details[data-popup=hover]");
    document.querySelectorAll("details[data-hovered]").forEach((other) => {
      if (other === popup) return;
      other.open = false;
      other.removeAttribute("data-hovered");
    });
    if (popup && !popup.open) {
      closeOthers(popup);
      popup.open = true;
      popup.setAttribute("data-hovered", "");
    }
  });

  // A menu opens to where there is room.
  document.addEventListener("toggle", ({ target }) => {
    if (!target.matches?.("details.menu")) return;
    target.removeAttribute("data-upwards");
    target.removeAttribute("data-downwards");
    if (!target.open) return;
    const { top, bottom } = target.getBoundingClientRect();
    const needed = target.querySelector(".menu__items").offsetHeight + 8;
    const upwards = innerHeight - bottom < needed && top > needed;
    target.setAttribute(upwards ? "data-upwards" : "data-downwards", "");
  }, true);

  // A click on what hovering has opened keeps it open.
  document.addEventListener("click", (event) => {
    const popup = event.target.closest("summary")?.closest("details[data-hovered]");
    if (!popup) return;
    event.preventDefault();
    popup.removeAttribute("data-hovered");
  });
})();
