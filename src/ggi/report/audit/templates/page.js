(() => {
  "use strict";
  const form = document.getElementById("filter");
  if (!form) return;
  const [find, only, grave, count] = ["find", "only", "grave", "count"].map((id) => document.getElementById(id));
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ");
  // One item may stand in several places: a landscape has a row in each table.
  const items = [...document.querySelectorAll("[data-item]")].map((element) => ({
    element,
    head: plain((element.tagName === "DETAILS" ? element.firstElementChild : element).textContent),
    text: plain(element.textContent),
    lines: [...element.querySelectorAll(".lines.all > li")].map((line) => [line, plain(line.textContent)]),
  }));
  const texts = new Map();
  for (const { element, text } of items) texts.set(element.dataset.item, (texts.get(element.dataset.item) || "") + text);
  const families = [...document.querySelectorAll(".family")];

  const apply = () => {
    const word = plain(find.value.trim());
    const wanted = only.value ? only.value.split(" ") : null;
    const shown = new Set();
    for (const { element, head, lines } of items) {
      const { item, status, severity } = element.dataset;
      const fits = (!wanted || wanted.includes(status)) && (!grave?.value || grave.value === severity);
      element.hidden = !(fits && texts.get(item).includes(word));
      if (!element.hidden) shown.add(item);
      // Within a control, only the lines that have the word, unless its heading has it.
      const every = !word || head.includes(word) || !lines.some(([, text]) => text.includes(word));
      for (const [line, text] of lines) line.hidden = !every && !text.includes(word);
    }
    for (const family of families) family.hidden = !family.querySelector("[data-item]:not([hidden])");
    count.textContent = count.dataset.told.replace("{shown}", shown.size).replace("{all}", texts.size);
  };

  const reset = () => {
    find.value = only.value = "";
    if (grave) grave.value = "";
    apply();
  };

  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!(target instanceof HTMLDetailsElement)) return;
    if (target.hidden) reset();
    target.open = true;
    target.scrollIntoView();
    target.firstElementChild.focus({ preventScroll: true });
  };

  for (const mark of document.querySelectorAll("[data-search]")) {
    mark.addEventListener("click", (event) => {
      event.preventDefault();
      find.value = mark.dataset.search;
      only.value = only.options[1].value;
      if (grave) grave.value = "";
      apply();
      document.getElementById("controls").scrollIntoView();
      find.focus({ preventScroll: true });
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") reset();
  });
  window.addEventListener("hashchange", open);
  form.hidden = false;
  apply();
  open();
})();
