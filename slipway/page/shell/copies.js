// Gradio copies all properties of each component of an event, and asks the browser for a copy of every text and number among
// them: 4,000 copies, a third of the time from a change to its answer. These are their own copies, and a function has none.
window.structuredClone = ((copied) => {
  const refused = new DOMException("a function cannot be copied", "DataCloneError");
  return (value, options) => {
    if (typeof value === "function") throw refused;
    return Object(value) === value || typeof value === "symbol" ? copied(value, options) : value;
  };
})(window.structuredClone);
