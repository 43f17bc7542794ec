// Boxes for numbers are boxes for text, which the server reads (slipway/page/predict/typed.py). What it has read stands
// below the box; here the box is connected with that, and gets back what a number input of the browser would have: the
// keys of a phone, and arrow keys that change the number by a step.
(() => {
  const BOX = ".slip-number input, .slip-number textarea";
  let ids = 0;
  const below = (box) => box.closest(".slip-field")?.querySelector(".slip-fault");
  const known = (box) => below(box)?.querySelector("[data-number]")?.dataset;

  // An attribute is only set if it changes, since each change is seen by the observer.
  function set(node, name, value) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }

  function connect() {
    for (const box of document.querySelectorAll(BOX)) {
      const text = below(box);
      if (!text) continue;
      text.id ||= `slip-below-${(ids += 1)}`;
      set(box, "inputmode", known(box)?.keys ?? "decimal");
      // Gradio's label holds the hint as well: the name is the first part alone.
      const name = box.closest(".slip-number").querySelector('[data-testid="block-info"]')?.textContent.trim();
      if (name) set(box, "aria-label", name);
      set(box, "aria-describedby", text.id);
      set(box, "aria-invalid", String(Boolean(text.querySelector('[role="alert"]'))));
    }
  }
  new MutationObserver(connect).observe(document, { childList: true, subtree: true });

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
    const now = told ? value(event.target, told) : NaN;
    if (Number.isNaN(now)) return;
    event.preventDefault();
    const digits = Math.min(20, Math.max(decimals(now), decimals(told.step)));
    event.target.value = (now + up * told.step).toFixed(digits).replace(".", told.mark);
    event.target.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }, true);
})();
