// Which column of the file each missing field is: asked, with the likely one chosen beforehand, and used once it is confirmed.

function columnChoice(lost, { header, suggestions }, confirm) {
  const unused = header.filter((name) => !columns.includes(name));
  if (!unused.length) return [];
  const likely = new Map(suggestions.map((one) => [one.field, one]));
  const box = make("div", undefined, "slip-match");
  const list = box.appendChild(make("ul"));
  const selects = lost.map((name, i) => list.appendChild(columnQuestion(name, `slip-column-${i}`, unused, likely.get(name))).querySelector("select"));
  const fault = make("p", undefined, "slip-match-fault");
  fault.setAttribute("role", "alert");
  const use = button(t("batch.match_use"), () => {
    const open = selects.find((select) => !select.value);
    const twice = selects.find((select, i) => selects.some((other, j) => j < i && other.value === select.value));
    const bad = open ?? twice;
    selects.forEach((select) => select.setAttribute("aria-invalid", select === bad));
    if (!bad) return confirm(Object.fromEntries(selects.map((select, i) => [select.value, lost[i]])));
    fault.textContent = open ? t("batch.match_open", { name: open.dataset.field }) : t("batch.match_twice", { name: twice.value });
    bad.focus();
  });
  use.classList.add("slip-primary");
  box.append(use, fault);
  return [make("h2", t("batch.match")), make("p", t("batch.match_lead"), "slip-small"), box];
}

// One field with the columns that it may be; for a likely one also what stands in it.
function columnQuestion(name, id, unused, suggestion) {
  const item = make("li");
  const label = make("label");
  label.htmlFor = id;
  label.append(make("code", name));
  const words = labels[columns.indexOf(name)];
  if (words && words !== name) label.append(" ", make("span", words, "slip-small"));
  const select = make("select");
  select.id = id;
  select.dataset.field = name;
  select.append(new Option(t("batch.match_choose"), ""), ...unused.map((column) => new Option(column, column)));
  const says = make("span", undefined, "slip-small");
  says.id = `${id}-says`;
  select.setAttribute("aria-describedby", says.id);
  const explain = () => {
    const isLikely = suggestion && select.value === suggestion.column;
    const cells = isLikely ? suggestion.cells.map(rounded).join(t("text.comma")) : "";
    says.textContent = isLikely ? t(cells ? "batch.match_likely" : "batch.match_likely_empty", { column: suggestion.column, name, cells }) : "";
  };
  if (suggestion && unused.includes(suggestion.column)) select.value = suggestion.column;
  select.addEventListener("change", explain);
  explain();
  item.append(label, select, says);
  return item;
}
