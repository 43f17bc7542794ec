// What is in the form stays there over a reload: it is kept with this entry of the browser's history, and nowhere else.
window.slipKept = (() => {
  const PAUSE = 60000; // milliseconds
  const before = history.state;
  let form = before?.form;

  const REST = 300; // milliseconds: browsers allow so many changes of their history and no more
  let timer;

  function keep(more) {
    clearTimeout(timer);
    history.replaceState({ ...history.state, form, ...more }, "");
  }
  // One who goes back or on to another tab takes along what the form holds now.
  // An entry without a state is that of a link which was pasted into the address: its values are wanted.
  for (const kind of ["popstate", "pagehide"]) window.addEventListener(kind, () => { if (history.state) keep(); });
  keep();

  return {
    // What the form opens with: what it held before, as JSON, or else the values of a link.
    start: () => (before?.form ? JSON.stringify(before.form) : location.hash.slice(1)),
    // `names` are those of the components, in the order of `values`.
    form(names, values) {
      form = Object.fromEntries(names.map((name, i) => [name, values[i]]));
      clearTimeout(timer);
      timer = setTimeout(keep, REST);
    },
    // Whether the page may reload by itself: once in a while, since two servers can take turns.
    mayReload() {
      if (Date.now() - (before?.reloaded ?? 0) < PAUSE) return false;
      keep({ reloaded: Date.now() });
      return true;
    },
  };
})();
