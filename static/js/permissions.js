// Permissions: everything, whole sections, single ones. What a section or "All permissions" covers is shown as on,
// but is not sent by itself, so that taking the section away later takes all of it. The server takes the union.
(() => {
  "use strict";

  const before = new WeakMap();
  const all = (root) => root.querySelector("[name=all_permissions]");
  const sections = (root) => [...root.querySelectorAll("[data-section]")];
  const whole = (section) => section.querySelector("[name=section]");
  const cards = (part) => [...part.querySelectorAll("[name=permission]")];
  const rootOf = (element) => element.closest?.("[data-permissions]");

  // What a switch covered is remembered, so that switching it off again brings back what was chosen before.
  const cover = (input, part) => {
    if (!before.has(input)) before.set(input, part.filter((box) => box.checked && box !== input));
    part.forEach((box) => (box.checked = true));
  };

  const uncover = (input, part) => {
    const kept = before.get(input) || [];
    before.delete(input);
    part.forEach((box) => (box.checked = kept.includes(box)));
  };

  const draw = (root) => {
    if (all(root)?.checked) {
      cover(all(root), [...sections(root).map(whole).filter(Boolean), ...cards(root)]);
    }
    sections(root).forEach((section) => {
      const boxes = cards(section);
      const toggle = whole(section);
      if (toggle?.checked) boxes.forEach((box) => (box.checked = true));
      const on = boxes.filter((box) => box.checked).length;
      if (toggle) toggle.indeterminate = on > 0 && !toggle.checked;
      const count = section.querySelector("[data-count]");
      if (count) count.textContent = toggle?.checked ? `All ${boxes.length}` : `${on} of ${boxes.length}`;
    });
  };

  const changed = (input, root) => {
    const section = input.closest("[data-section]");
    const everything = all(root);
    if (input === everything) {
      if (!input.checked) uncover(input, [...sections(root).map(whole).filter(Boolean), ...cards(root)]);
    } else if (!input.checked) {
      if (everything?.checked) {
        everything.checked = false;
        before.delete(everything);
      }
      if (input.name === "section") {
        uncover(input, cards(section));
      } else if (whole(section)?.checked) {
        whole(section).checked = false;
        before.delete(whole(section));
      }
    } else if (input.name === "section") {
      cover(input, cards(section));
    }
    draw(root);
  };

  const filter = (field, root) => {
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    sections(root).forEach((section) => {
      const named = section.querySelector("[data-section-name]")?.textContent.toLowerCase().includes(wanted);
      const items = [...section.querySelectorAll("li")];
      items.forEach((item) => (item.hidden = !named && !item.textContent.toLowerCase().includes(wanted)));
      const visible = items.filter((item) => !item.hidden).length;
      section.hidden = visible === 0;
      shown += visible;
    });
    const sentence = wanted ? (shown === 1 ? "1 permission matches" : `${shown || "No"} permissions match`) : "";
    const place = root.querySelector("[data-filter-count]");
    if (place) place.textContent = sentence;
  };

  const drawAll = () => document.querySelectorAll("[data-permissions]").forEach(draw);

  document.addEventListener("change", ({ target }) => {
    const root = rootOf(target);
    if (root && target.matches("[name=all_permissions], [name=section], [name=permission]")) changed(target, root);
  }, true);

  document.addEventListener("input", ({ target }) => {
    if (target.matches("[data-permission-filter]")) filter(target, rootOf(target));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-permission-filter]")) event.preventDefault();
  });

  document.addEventListener("formdata", ({ target, formData }) => {
    target.querySelectorAll("[data-permissions]").forEach((root) => {
      const covered = (section) => all(root)?.checked || whole(section)?.checked;
      const single = sections(root).filter((section) => !covered(section)).flatMap(cards).filter((box) => box.checked);
      formData.delete("permission");
      single.forEach((box) => formData.append("permission", box.value));
      if (all(root)?.checked) formData.delete("section");
    });
  });

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
  window.addEventListener("pageshow", drawAll);
})();
