// Under the answer: copy a link to these inputs, print the answer, set it beside others.
const tools = element.querySelector(".slip-tools");
const status = tools.querySelector("[role=status]");
const texts = tools.dataset;
const panel = () => document.querySelector(".slip-answer");

async function link(fragment) {
  // Behind "#": a browser sends that part of an address to no server.
  history.replaceState(history.state, "", `#${fragment}`);
  if (window.top !== window) return shown(location.href); // the address bar is that of the page around this one
  try {
    await navigator.clipboard.writeText(location.href);
    return texts.linkCopied;
  } catch {
    return texts.linkShown; // a page over plain http may not write to the clipboard
  }
}

// A link to be copied by hand.
function shown(address) {
  const box = Object.assign(document.createElement("input"), { readOnly: true, value: address });
  box.setAttribute("aria-label", texts.linkHere);
  box.addEventListener("focus", () => box.select());
  return [texts.linkHere, box];
}

const actions = {
  link,
  print: () => { window.print(); return ""; },
  compare: () => {
    const added = window.slipCompare?.();
    return added ? texts.compareAdded : texts.compareFull;
  },
};

tools.addEventListener("click", async (event) => {
  const name = event.target.dataset?.tool;
  if (!name) return;
  const { fragment, state } = panel()?.dataset ?? {};
  const said = state ? (state === "failed" ? texts.unanswered : texts.wait)
    : fragment === undefined ? texts.correct : await actions[name](fragment);
  status.replaceChildren(...[said].flat());
});

// A link pasted into the address bar of an open page.
window.addEventListener("hashchange", () => location.reload());

const printed = document.createElement("p");
printed.className = "slip-printed-date";
window.addEventListener("beforeprint", () => {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long" });
  printed.textContent = form.format(new Date());
  panel()?.append(printed);
});
window.addEventListener("afterprint", () => printed.remove());
