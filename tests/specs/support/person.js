// What a person finds on a page by its words. Given: which kind of thing, and the words.
const [kind, words] = arguments;
const scope = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document;
const all = (selector) => [...scope.querySelectorAll(selector)];
const tidy = (text) => (text ?? "").replace(/\s+/g, " ").trim();

// What is there for eyes, or for ears only: `visually-hidden` counts, what is switched off or closed does not.
const there = (element) =>
  element.checkVisibility({ visibilityProperty: true }) &&
  element.getClientRects().length > 0 &&
  !element.closest("[inert], [aria-hidden=true]");

const without = (element, selector) => {
  const copy = element.cloneNode(true);
  copy.querySelectorAll(selector).forEach((part) => part.remove());
  return tidy(copy.textContent);
};

const names = (element) => [
  tidy(element.getAttribute("aria-label")),
  tidy(element.textContent),
  without(element, ".visually-hidden"),
  without(element, ".visually-hidden, .tag, .field__optional"),
];

const label = (input) => input.labels?.[0];
const title = (input) =>
  label(input)?.querySelector(".choice__title, .permission__name, .permission-section__name, .strong") ?? label(input);

const boxes = () => all("input[type=radio], input[type=checkbox]").filter((input) => {
  const place = title(input);
  return place && there(place) &&
    (names(place).includes(words) || tidy(label(input).querySelector("code")?.textContent) === words);
});

const kinds = {
  control: () => all("a[href], button, summary, [role=button]").filter((found) => there(found) && names(found).includes(words)),
  entry: () => all("nav a").filter((found) => there(found) && names(found).includes(words)),
  field: () => all("input, select, textarea").filter((found) =>
    there(found) && [tidy(found.getAttribute("aria-label")), ...(label(found) ? names(label(found)) : [])].includes(words)),
  choice: () => boxes().map(title),
  box: boxes,
  tab: () => all(".tabs__tab").filter((found) => there(found) && names(found).includes(words)),
  copy: () => all(".copyable").filter((found) => tidy(found.querySelector(".copyable__label")?.textContent) === words)
    .map((found) => found.querySelector("[data-copy]")),
  value: () => all(".copyable").filter((found) => tidy(found.querySelector(".copyable__label")?.textContent) === words)
    .map((found) => found.querySelector(".copyable__value")),
  row: () => all("tbody tr").filter((found) => names(found.querySelector("th a, th .strong") ?? found.querySelector("th") ?? found).includes(words)),
  focused: () => {
    const element = document.activeElement;
    const named = [...names(element), ...(label(element) ? [...names(label(element)), ...names(title(element)),
      tidy(label(element).querySelector("code")?.textContent)] : []),
      tidy(document.getElementById(element.getAttribute("aria-labelledby"))?.textContent)];
    return element !== document.body && named.includes(words) ? [element] : [];
  },
};

return kinds[kind]();
