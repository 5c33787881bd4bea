// Fields that belong to a choice: typing into one chooses it. The day of a date field is spelled out beside it.
(() => {
  "use strict";

  const day = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

  const choose = (field) => {
    const radio = field.closest(".choice")?.querySelector(":scope > input[type=radio]");
    if (!radio || radio === field || radio.checked) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const spell = (field) => {
    const place = document.querySelector(field.dataset.spelled);
    if (place) place.textContent = field.valueAsDate ? `Until ${day.format(field.valueAsDate).replace(",", "")}` : "";
  };

  document.addEventListener("input", ({ target }) => {
    if (target.closest(".choice__field")) choose(target);
    if (target.matches("[data-spelled]")) spell(target);
  });

  // After a swap the focus goes to what is wrong; on a new step of a wizard to its first field, or else to its title.
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    const find = (selector) => target.querySelector?.(selector);
    const wrong = find("[aria-invalid=true]") || find("[data-error-summary]");
    const step = target.matches?.("[data-step-page]") && (find("[autofocus]") || find("h1"));
    (wrong || step || null)?.focus();
  });
})();
