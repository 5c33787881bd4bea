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
    if (place) place.textContent = field.valueAsDate ? `Until ${day.format(field.valueAsDate)}` : "";
  };

  document.addEventListener("input", ({ target }) => {
    if (target.closest(".choice__field")) choose(target);
    if (target.matches("[data-spelled]")) spell(target);
  });

  // What is wrong is where the focus goes first.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const part = detail.elt;
    (part?.querySelector?.("[data-error-summary]") || part?.querySelector?.("[aria-invalid=true]"))?.focus();
  });
})();
