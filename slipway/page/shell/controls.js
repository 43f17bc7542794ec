// Gradio gives every radio button a name of its own, anew whenever it draws one, so that arrow keys do not move among
// those of a field; their group has no name that is read out, and the arrow of a list is a picture without one.
(() => {
  const names = new WeakMap();
  let groups = 0;
  const mend = () => {
    for (const group of document.querySelectorAll('fieldset:has(input[type="radio"])')) {
      if (!names.has(group)) {
        groups += 1;
        names.set(group, `group-${groups}`);
        group.setAttribute("aria-label", group.querySelector('[data-testid="block-info"]')?.textContent ?? "");
      }
      for (const radio of group.querySelectorAll('input[type="radio"]')) radio.name = names.get(group);
    }
    for (const arrow of document.querySelectorAll("svg.dropdown-arrow:not([aria-hidden])")) arrow.setAttribute("aria-hidden", "true");
  };
  new MutationObserver(mend).observe(document, { childList: true, subtree: true });
})();

// Gradio filters a list by what is typed when a key goes down. Phones, the clipboard and voice write without one, or before
// the text has changed; and what is typed came after the value that is there, which no other one contains.
(() => {
  const isList = (field) => field instanceof HTMLInputElement && field.getAttribute("role") === "combobox";
  document.addEventListener("input", ({ target }) => {
    if (isList(target)) target.dispatchEvent(new KeyboardEvent("keydown", { key: "Unidentified", bubbles: true }));
  });
  document.addEventListener("focusin", ({ target }) => {
    if (isList(target)) setTimeout(() => document.activeElement === target && target.select());
  });

  // It lays the open list out where the field is then, and anew only when the window is scrolled: not when what is above
  // the field grows, or the column around it is scrolled.
  const follow = (field, before) => {
    if (document.activeElement !== field) return;
    const { top } = field.getBoundingClientRect();
    if (top !== before) dispatchEvent(new Event("scroll"));
    requestAnimationFrame(() => follow(field, top));
  };
  document.addEventListener("focusin", ({ target }) => isList(target) && follow(target));
})();

// Gradio names the slider in English, whatever the language of the page, and says 0.3 where the page says 30%.
(() => {
  const mend = () => {
    const box = document.querySelector(".slip-threshold");
    const [slider, back, heading] = ['input[type="range"]', ".reset-button", "[data-back]"].map((part) => box?.querySelector(part));
    if (!slider || !back || !heading) return; // each is drawn when Gradio comes to it
    slider.setAttribute("aria-label", box.querySelector('[data-testid="block-info"]').textContent.trim());
    slider.setAttribute("aria-valuetext", Number(slider.value).toLocaleString(document.documentElement.lang, { style: "percent", maximumFractionDigits: 2 }));
    for (const name of ["aria-label", "title"]) back.setAttribute(name, heading.dataset.back);
  };
  new MutationObserver(mend).observe(document, { childList: true, subtree: true });
  document.addEventListener("input", mend);
})();
