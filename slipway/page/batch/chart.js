// Predictions as bars: a histogram of numbers, or how many of each class.
const BINS = 20;

// The round step (1, 2, 2.5 or 5 times a power of ten) that cuts a span into at most so many parts.
function roundStep(span, parts) {
  const power = 10 ** Math.floor(Math.log10(span / parts));
  return power * [1, 2, 2.5, 5, 10].find((factor) => factor * power * parts >= span * (1 - 1e-9));
}

function bins(values) {
  const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
  if (low === high) return { low, high, step: 0, start: low, counts: [values.length] };
  const step = roundStep(high - low, BINS);
  const start = Math.floor(low / step) * step;
  const counts = new Array(Math.max(1, Math.ceil((high - start) / step + 1e-9))).fill(0);
  for (const value of values) counts[Math.min(counts.length - 1, Math.floor((value - start) / step))]++;
  return { low, high, step, start, counts };
}

function histogram(values) {
  const sorted = Float64Array.from(values).sort();
  const { low, high, step, start, counts } = bins(values);
  const most = Math.max(...counts), tallest = counts.indexOf(most);
  const edge = (i) => start + i * step;
  const says = t("batch.histogram_says", {
    count: values.length, low: lower(low), high: amount(high),
    middle: amount(sorted[Math.floor(sorted.length / 2)]),
    most, start: lower(edge(tallest)), end: amount(edge(tallest + 1)),
  });
  const box = make("figure", undefined, "slip-hist");
  const plot = make("div", undefined, "slip-hist-plot");
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", says);
  const bars = plot.appendChild(make("div", undefined, "slip-hist-bars"));
  bars.dataset.most = t("batch.rows", { count: most });
  counts.forEach((count, i) => {
    const bar = bars.appendChild(make("span"));
    bar.style.height = `${(100 * count) / most}%`;
    bar.title = t("batch.histogram_bar", { start: lower(edge(i)), end: amount(edge(i + 1)), rows: t("batch.rows", { count }) });
  });
  plot.append(axis(start, edge(counts.length), step));
  box.append(plot, make("figcaption", target.label + (target.unit ? ` (${target.unit})` : "")), make("p", says, "slip-small"));
  return box;
}

function axis(start, end, step) {
  const line = make("div", undefined, "slip-hist-axis");
  if (!step) {
    line.append(make("span", figure(start)));
    line.firstChild.style.left = "50%";
    return line;
  }
  const wide = roundStep(end - start, 5);
  for (let tick = Math.ceil(start / wide - 1e-9) * wide; tick <= end + step * 1e-9; tick += wide) {
    const mark = line.appendChild(make("span", figure(tick + 0))); // + 0 turns -0 into 0
    mark.style.left = `${(100 * (tick - start)) / (end - start)}%`;
  }
  return line;
}

function classBars(values) {
  const counts = new Map(Object.keys(target.classes).map((value) => [value, 0]));
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const list = make("ul", undefined, "slip-classes");
  for (const [value, count] of counts) {
    const row = list.appendChild(make("li"));
    const track = make("span", undefined, "slip-class-track");
    track.setAttribute("aria-hidden", "true");
    track.append(make("span"));
    track.firstChild.style.width = `${(100 * count) / values.length}%`;
    row.append(make("span", target.classes[value] ?? value), track, make("span", `${whole(count)} (${percent(count / values.length)})`));
  }
  return list;
}
