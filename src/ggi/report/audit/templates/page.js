(() => {
  "use strict";
  const form = document.getElementById("filter");
  if (!form) return;
  const [find, only, grave, count] = ["find", "only", "grave", "count"].map((id) => document.getElementById(id));
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ");
  const controls = [...document.querySelectorAll("details.control")].map((element) => ({
    element,
    head: plain(element.firstElementChild.textContent),
    text: plain(element.textContent),
    lines: [...element.querySelectorAll(".lines.all > li")].map((line) => [line, plain(line.textContent)]),
  }));
  const families = [...document.querySelectorAll(".family")];

  const apply = () => {
    const word = plain(find.value.trim());
    const wanted = only.value ? only.value.split(" ") : null;
    let shown = 0;
    for (const one of controls) {
      const data = one.element.dataset;
      const fits = (!wanted || wanted.includes(data.status)) && (!grave.value || grave.value === data.severity);
      const meant = fits && one.text.includes(word);
      one.element.hidden = !meant;
      shown += meant;
      // Within a control, only the lines that have the word, unless the control itself has it.
      const every = !word || one.head.includes(word) || !one.lines.some(([, text]) => text.includes(word));
      for (const [line, text] of one.lines) line.hidden = !every && !text.includes(word);
    }
    for (const family of families) family.hidden = !family.querySelector("details.control:not([hidden])");
    count.textContent = count.dataset.told.replace("{shown}", shown).replace("{all}", controls.length);
  };

  const reset = () => {
    find.value = only.value = grave.value = "";
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
      grave.value = "";
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
