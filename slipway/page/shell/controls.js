// Gradio gives every radio button a name of its own, anew whenever it draws one, so that arrow keys do not move among
// those of a field; and their group has no name that is read out.
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
  };
  new MutationObserver(mend).observe(document, { childList: true, subtree: true });
})();

// A browser drops what it does not take as a number and says nothing: "12,5" became 125, "−5" became 5. A comma before
// three digits groups thousands, as both languages of the page write them; any other is a decimal comma.
(() => {
  const THOUSANDS = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/, DECIMAL = /^[+-]?\d*,\d+$/, PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const isNumber = (field) => field instanceof HTMLInputElement && field.type === "number";

  function read(text) {
    const found = text.trim().replace(/[\u2212\u2013]/g, "-");
    if (THOUSANDS.test(found)) return found.replaceAll(",", "");
    return DECIMAL.test(found) ? found.replace(",", ".") : found;
  }

  // Of keys that come faster than it draws, Svelte writes the number it has read back into the field, which takes a dot at
  // the end away and sets the caret before the figures: "31.5" became "531". The same number is not written.
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  Object.defineProperty(HTMLInputElement.prototype, "value", {
    configurable: true,
    enumerable: true,
    get,
    set(value) {
      if (!isNumber(this) || String(value) === "" || Number(value) !== this.valueAsNumber) set.call(this, value);
    },
  });

  document.addEventListener("paste", (event) => {
    if (!isNumber(event.target)) return;
    event.preventDefault();
    const found = read(event.clipboardData.getData("text"));
    event.target.value = PLAIN.test(found) ? found : ""; // nothing rather than another number
    event.target.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }, true);

  document.addEventListener("beforeinput", (event) => {
    const meant = { ",": ".", "\u2212": "-" }[event.data];
    if (!meant || !isNumber(event.target)) return;
    event.preventDefault();
    document.execCommand("insertText", false, meant);
  }, true);
})();
