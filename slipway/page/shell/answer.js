// The answer is always there for everybody: at the foot of a small screen while it is out of sight, and for a screen reader,
// which hears it once the form has rested.
(() => {
  const REST = 700; // milliseconds without a change
  const spoken = Object.assign(document.createElement("p"), { className: "slip-hidden" });
  spoken.setAttribute("role", "status");
  let timer;
  let opening; // what the page showed when it opened: that is read with the page
  let watched; // the sentence of the answer
  const touched = new Set(); // the fields into which somebody has entered something
  let before; // for what the answer was

  const panel = () => document.querySelector(".slip-answer");
  const text = (selector) => panel()?.querySelector(selector)?.innerText ?? "";

  const words = () => [".slip-sentence", ".slip-verdict", ".slip-interval", ".slip-abstain"].map(text).filter(Boolean).join(". ");

  function speak() {
    if (!spoken.isConnected) document.body.append(spoken);
    if (!panel() || panel().dataset.state) return;
    const now = words();
    if (now !== (spoken.textContent || opening)) spoken.textContent = now;
  }

  const seen = new IntersectionObserver((entries) => {
    // Where it stays when the panel is drawn anew.
    const place = document.querySelector("#live-answer");
    if (place) place.dataset.away = String(!entries.at(-1).isIntersecting);
  });

  function changed() {
    const sentence = panel()?.querySelector(".slip-sentence");
    if (sentence !== watched) {
      seen.disconnect();
      watched = sentence;
      if (sentence) seen.observe(sentence);
    }
    if (sentence && !panel().dataset.state) opening ??= words();
    const now = panel() && JSON.stringify({ ...panel().dataset });
    head();
    if (now === before) return;
    before = now;
    clearTimeout(timer);
    timer = setTimeout(speak, REST);
    // What was said about an earlier answer goes with it.
    const status = document.querySelector('.slip-tools [role="status"]');
    if (status) status.textContent = "";
  }

  document.addEventListener("click", ({ target }) => {
    if (target.closest?.(".slip-foot")) panel().scrollIntoView({ block: "start" });
  });
  // The heading says "you entered" of what somebody has entered, and of nothing else.
  function head() {
    const heading = panel()?.querySelector(".slip-kicker .slip-fresh");
    const { entered: part, all, yours } = panel()?.dataset ?? {};
    if (!heading || !part || !touched.size) return;
    const text = touched.size === Number(all) ? yours : part.replace("{count}", touched.size).replace("{all}", all);
    if (heading.textContent !== text) heading.textContent = text;
  }

  // A value of a link that was replaced is no longer worth a notice once somebody has entered another.
  function entered({ type, target, key }) {
    if (type === "mousedown" && !target.closest?.('[role="option"]')) return;
    if (type === "keydown" && (key !== "Enter" || target.getAttribute?.("role") !== "combobox")) return;
    const place = target.closest?.('[id^="field-"], #threshold')?.id;
    if (place?.startsWith("field-")) touched.add(place);
    const line = place && document.querySelector(`.slip-replaced [data-place="${place}"]`);
    if (!line) return;
    const notice = line.closest(".slip-warnings");
    line.remove();
    if (!notice.querySelector("li")) notice.remove();
  }
  document.addEventListener("click", ({ target }) => {
    if (target.closest?.(".slip-reset, .slip-examples button")) touched.clear();
  }, true);
  for (const kind of ["input", "change", "mousedown", "keydown"]) document.addEventListener(kind, entered, true);
  new MutationObserver(changed).observe(document, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["data-fields", "data-state", "data-threshold"],
  });
})();
