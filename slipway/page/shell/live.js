// Nobody may take an answer to other values for their own. Each panel says in its attributes for which values it was made;
// here those are compared with what the form holds, and a panel is current, due, old (due for longer than a person would
// notice), or failed: then it is emptied.
window.slipLive = (() => {
  const PATIENCE = 150; // milliseconds
  const READS = { answer: ["fields", "threshold"], why: ["fields"], whatif: ["fields", "choice", "second"], changes: ["fields"], counts: ["threshold"] };
  const now = {}; // what the form holds, as JSON; nothing before its first change
  const failed = new Set();
  const late = new Map(); // panel → the timer that makes it old, or true

  const plain = (text) => { try { return JSON.stringify(JSON.parse(text)); } catch { return null; } };
  const isCurrent = (panel) =>
    READS[panel.dataset.live].every((key) => !(key in now) || plain(panel.dataset[key]) === now[key]);

  function state(panel) {
    const name = panel.dataset.live;
    if (failed.has(name)) return "failed";
    if (isCurrent(panel)) return "";
    if (failed.has("answer")) return "failed"; // what belongs to an answer goes with it
    return late.get(name) === true ? "old" : "due";
  }

  function paint() {
    for (const panel of document.querySelectorAll("[data-live]")) {
      const name = panel.dataset.live;
      const found = state(panel);
      if (found === "due" && !late.has(name)) {
        late.set(name, setTimeout(() => { late.set(name, true); paint(); }, PATIENCE));
      } else if (found === "" || found === "failed") {
        clearTimeout(late.get(name));
        late.delete(name);
      }
      if (panel.dataset.state === found) continue;
      panel.dataset.state = found;
      panel.setAttribute("aria-busy", String(found === "old"));
      if (name === "answer") document.documentElement.dataset.answer = found;
    }
  }

  new MutationObserver(paint).observe(document, { childList: true, subtree: true });
  return {
    // The form has changed: its fields, whose components have these `names`, then what else `keys` name.
    holds(names, keys, values) {
      const count = names.length;
      window.slipKept.form([...names, ...keys], values);
      now.fields = JSON.stringify(values.slice(0, count));
      keys.forEach((key, i) => { now[key] = JSON.stringify(values[count + i]); });
      paint();
    },
    // What the form holds of that on which these panels depend.
    read: (names) => JSON.stringify(names.flatMap((name) => READS[name]).map((key) => now[key])),
    failed(names) {
      names.forEach((name) => failed.add(name));
      paint();
    },
    answered(names) {
      // What stands there until the answer is drawn is old at once.
      for (const name of names) if (failed.delete(name)) late.set(name, true);
      paint();
    },
    everything: Object.keys(READS),
  };
})();
