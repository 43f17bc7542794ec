// CSV text: read and written.
const NUMBER = /^\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*$/;

function parse(text, separator) {
  const rows = [];
  for (let at = 0; at < text.length;) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    const line = text.slice(at, end);
    if (!line.includes('"')) {
      rows.push(line.split(separator));
      at = end + 1;
    } else {
      const [row, next] = quotedRow(text, at, separator);
      rows.push(row);
      at = next;
    }
  }
  return rows;
}

function quotedRow(text, at, separator) {
  const row = [];
  for (;;) {
    let cell = "";
    if (text[at] === '"') {
      for (at++; ;) {
        let close = text.indexOf('"', at);
        if (close < 0) close = text.length;
        cell += text.slice(at, close);
        at = close + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at++;
      }
    } else {
      const start = at;
      while (at < text.length && text[at] !== separator && text[at] !== "\n") at++;
      cell = text.slice(start, at);
    }
    row.push(cell);
    if (text[at] !== separator) return [row, at + 1];
    at++;
  }
}

// About how many rows a file has, before anything is sent: line breaks outside of quotes that end a line with something in
// it. Only for what is said while one waits, and to spare a call; how many there are is for the server to say.
function countRows(bytes) {
  let lines = 0, inside = false, filled = false;
  for (const byte of bytes) {
    if (byte === 34) inside = !inside;
    if (byte === 10 && !inside) { if (filled) lines++; filled = false; }
    else if (byte > 32) filled = true;
  }
  return Math.max(0, lines + (filled ? 1 : 0) - 1);
}

const quoted = (cell, separator) =>
  cell.includes(separator) || /["\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
