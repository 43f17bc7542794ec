// Gradio makes functions of texts. The policy of the page (CSP) forbids that, as it would let any text become a script.
// The functions of this page are known: they are here by the names that Gradio has in place of their texts.
((known) => {
  const VALUE = "return `${value}`;"; // what shows the value of an HTML component
  const FIXED = /^return ("(?:[^"\\]|\\.)*"|``);$/; // what Handlebars makes of a template without expressions

  function named(name) {
    if (!Object.hasOwn(known, name)) throw new EvalError(`the page has no function ${name}`);
    return known[name];
  }

  function made(...texts) {
    const body = String(texts.pop()).trim();
    if (body === VALUE) return (...values) => `${values[texts.indexOf("value")]}`;
    const fixed = FIXED.exec(body);
    if (!fixed) return named(body);
    const text = fixed[1] === "``" ? "" : JSON.parse(fixed[1]);
    return () => text;
  }
  made.prototype = Function.prototype;
  window.Function = made;

  const later = (text) => {
    const found = named(text.replace(/^return \(\n|\n\);$/g, ""));
    return async () => found;
  };
  Object.defineProperty(Object.getPrototypeOf(async () => {}), "constructor", {
    value: function AsyncFunction(text) { return later(text); },
  });
})({/* known */});
