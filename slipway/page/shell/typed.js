// Boxes for numbers, dates and times are boxes for text, which the server reads (slipway/page/predict/typed.py). What it
// has read stands below the box; here the box is connected with that, and gets back what an input of the browser would
// have: the keys of a phone, arrow keys that change a number by a step, and a calendar or clock.
(() => {
  const BOX = ".slip-typed input:not(.slip-picker), .slip-typed textarea";
  const icon = (path) => `<svg viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor"
    stroke-width="1.6" stroke-linecap="round" aria-hidden="true"><path d="${path}"/></svg>`;
  const ICON = {
    date: icon("M3 5h14v12H3zM3 9h14M7 3v3M13 3v3"),
    time: icon("M10 3a7 7 0 1 0 .01 0M10 6v4l3 2"),
  };
  let ids = 0;
  const below = (box) => box.closest(".slip-field")?.querySelector(".slip-fault");
  const known = (box) => below(box)?.querySelector("[data-text]")?.dataset;

  // An attribute is only set if it changes, since each change is seen by the observer.
  function set(node, name, value) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }

  // Whatever a field is: its name, its hint, and what is wrong with it.
  function describe(field) {
    const text = field.querySelector(".slip-fault");
    const control = field.querySelector('fieldset, input[role="combobox"], textarea, input[type="text"]:not(.slip-picker)');
    if (!text || !control) return;
    text.id ||= `slip-below-${(ids += 1)}`;
    // Gradio's label holds the hint as well: the name is the first part alone.
    const title = field.querySelector('[data-testid="block-info"]');
    const name = title?.textContent.trim();
    const hint = field.querySelector('[data-testid="block-info"] ~ *:not(input, textarea, .input-container, .wrap)');
    if (hint) hint.id ||= `slip-hint-${(ids += 1)}`;
    if (control.tagName === "FIELDSET") set(control, "role", "radiogroup");
    if (name) set(control, "aria-label", name);
    set(control, "aria-describedby", [hint?.id, text.id].filter(Boolean).join(" "));
    set(control, "aria-invalid", String(Boolean(text.querySelector('[role="alert"]'))));
    const tick = field.querySelector('input[type="checkbox"]');
    if (!tick || !title) return;
    title.id ||= `slip-title-${(ids += 1)}`;
    set(tick, "aria-describedby", title.id); // of what is not measured
  }

  function connect() {
    for (const field of document.querySelectorAll(".slip-form .slip-field")) describe(field);
    for (const box of document.querySelectorAll(BOX)) {
      if (!below(box)) continue;
      set(box, "inputmode", known(box)?.keys ?? "decimal");
      if (known(box)?.picker && !box.parentElement.querySelector(".slip-picker")) addPicker(box, known(box));
    }
  }
  new MutationObserver(connect).observe(document, { childList: true, subtree: true });

  function write(box, text) {
    box.value = text;
    box.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }

  // The calendar or clock of the browser, which a button opens, and which writes into the box what was chosen.
  function addPicker(box, { picker: type, choose }) {
    const picker = Object.assign(document.createElement("input"), { type, className: "slip-picker", tabIndex: -1 });
    picker.setAttribute("aria-hidden", "true");
    picker.addEventListener("change", () => write(box, picker.value.replace("T", " ")));
    const button = Object.assign(document.createElement("button"), { type: "button", className: "slip-pick" });
    button.setAttribute("aria-label", choose);
    button.innerHTML = ICON[type] ?? ICON.date;
    button.addEventListener("click", () => {
      picker.value = known(box)?.moment ?? "";
      picker.showPicker();
    });
    box.after(picker, button);
  }

  // What the box holds as a number: as the server has read it, or if it has not yet, a number without anything around it.
  function value(box, { text, number, mark }) {
    const typed = box.value.trim();
    if (typed === text) return number === "" ? NaN : Number(number);
    return new RegExp(`^-?\\d+(\\${mark}\\d+)?$`).test(typed) ? Number(typed.replace(mark, ".")) : NaN;
  }

  const decimals = (number) => (String(number).split(".")[1] ?? "").length;

  document.addEventListener("keydown", (event) => {
    const up = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!up || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !event.target.matches?.(BOX)) return;
    const told = known(event.target);
    const now = told?.step ? value(event.target, told) : NaN;
    if (Number.isNaN(now)) return;
    event.preventDefault();
    const digits = Math.min(20, Math.max(decimals(now), decimals(told.step)));
    write(event.target, (now + up * told.step).toFixed(digits).replace(".", told.mark));
  }, true);
})();
