// The tab and the section that are shown stand in the address, as `?tab=model&section=groups`: so a link leads there, and Back
// goes back. Not behind "#", where the values of the form are.
(() => {
  const TABS = ["predict", "batch", "data", "model"]; // in the order of slipway/page/app.py
  const LONG = 10000; // milliseconds in which a section has arrived
  const query = () => new URLSearchParams(location.search);
  const tabs = () => [...document.querySelectorAll('[role="tablist"] [role="tab"]')].slice(0, TABS.length);
  const shown = () => TABS[tabs().findIndex((tab) => tab.getAttribute("aria-selected") === "true")] ?? TABS[0];
  let going = false; // by the address, which then stays as it is

  function push(tab, section) {
    const wanted = query();
    if (tab === TABS[0]) wanted.delete("tab");
    else wanted.set("tab", tab);
    if (section) wanted.set("section", section);
    else wanted.delete("section");
    const search = String(wanted);
    if (search !== String(query())) history.pushState(history.state, "", `${location.pathname}${search && `?${search}`}${location.hash}`);
  }

  function open(tab) {
    const button = tabs()[TABS.indexOf(tab)];
    if (!button || shown() === tab) return;
    going = true;
    button.click();
    going = false;
  }

  function reveal(section) {
    const place = document.querySelector(`[data-section="${CSS.escape(section)}"]`);
    if (!place?.checkVisibility()) return false;
    for (let part = place; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    place.scrollIntoView({ block: "start" });
    const heading = place.querySelector("h2, h3, summary") ?? place;
    if (!heading.hasAttribute("tabindex")) heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    return true;
  }

  // What a tab shows arrives after it was opened.
  function go(section) {
    if (!section || reveal(section)) return;
    const waiting = new MutationObserver(() => reveal(section) && waiting.disconnect());
    waiting.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["style", "class"] });
    setTimeout(() => waiting.disconnect(), LONG);
  }

  function follow() {
    const tab = query().get("tab") ?? TABS[0];
    if (TABS.includes(tab)) open(tab);
    go(query().get("section"));
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-goto]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      push(shown(), link.dataset.goto);
      go(link.dataset.goto);
      return;
    }
    const place = going ? -1 : tabs().indexOf(event.target.closest?.('[role="tab"]'));
    if (place >= 0) push(TABS[place]);
  });
  // Arrow keys go from tab to tab.
  document.addEventListener("keyup", ({ target }) => { if (target.matches?.('[role="tab"]')) push(shown()); });
  window.addEventListener("popstate", follow);

  const drawn = new MutationObserver(() => {
    if (tabs().length < TABS.length) return;
    drawn.disconnect();
    follow();
  });
  drawn.observe(document, { childList: true, subtree: true });
})();
