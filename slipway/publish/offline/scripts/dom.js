// Elements of the page. Texts only ever become text nodes, so none of them can be markup.

function element(name, attributes = {}, ...children) {
  const space = ["svg", "polyline", "line", "circle"].includes(name) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const made = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const paragraph = (text, name) => (text ? element("p", { class: name, dir: "auto" }, text) : null);
const small = (text) => paragraph(text, "small");

// A length by CSS: a `style` attribute is what the page's policy forbids.
function sized(made, properties) {
  for (const [name, value] of Object.entries(properties)) made.style.setProperty(name, value);
  return made;
}

// A line with a name, a bar and an amount.
function bar(label, width, text, isChosen) {
  return element(
    "li", { class: isChosen ? "bar chosen" : "bar" },
    element("span", { dir: "auto" }, label),
    element("span", { class: "track", "aria-hidden": "true" }, sized(element("span"), { width: `${width.toFixed(1)}%` })),
    element("span", {}, text),
  );
}
