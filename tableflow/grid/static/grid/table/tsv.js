/**
 * Cells as the text that spreadsheets copy and paste: a line a row, a tab between two cells; a cell with a tab, a
 * line's end or a quote stands in quotes, and quotes in it are doubled. Pure.
 */

/** A cell in quotes: what begins with a quote and does not end with one is a text with a quote. */
const QUOTED = /"([^"]*(?:""[^"]*)*)"(?=[\t\r\n]|$)/y;
const PLAIN = /[^\t\r\n]*/y;
const LINE_END = /\r\n|\r|\n/y;

/**
 * @param {string} text
 * @returns {string[][]} all lines equally long
 */
export function read(text) {
  /** @type {string[][]} */
  const lines = [];
  /** @type {string[]} */
  let line = [];
  for (let at = 0; at <= text.length; ) {
    const quoted = match(QUOTED, text, at);
    const plain = quoted ?? match(PLAIN, text, at) ?? [""];
    line.push(quoted ? quoted[1].replaceAll('""', '"') : plain[0]);
    at += plain[0].length;
    if (text[at] === "\t") at++;
    else {
      lines.push(line);
      line = [];
      const end = match(LINE_END, text, at);
      at += end ? end[0].length : 1;
      if (at >= text.length) break; // what follows the last line's end is no line
    }
  }
  const width = Math.max(...lines.map(({ length }) => length));
  for (const each of lines) while (each.length < width) each.push("");
  return lines;
}

/** @param {string[][]} lines */
export function write(lines) {
  return lines.map((line) => `${line.map(quoted).join("\t")}\n`).join("");
}

/**
 * A value as text that the server turns back into it.
 *
 * @param {{type: string}} column
 * @param {any} value
 * @returns {string}
 */
export function plain(column, value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean" && column.type !== "json") return value ? "TRUE" : "FALSE";
  if (Array.isArray(value) && value.length && value.every((item) => typeof item === "string" && !item.includes(","))) {
    return value.join(", ");
  }
  return JSON.stringify(value);
}

/** @param {string[][]} lines @returns {string} a table, for what takes no plain text */
export function html(lines) {
  const table = document.createElement("table");
  for (const line of lines) {
    const row = table.insertRow();
    for (const cell of line) row.insertCell().textContent = cell;
  }
  return table.outerHTML;
}

/** @param {string} cell */
function quoted(cell) {
  return /[\t\r\n"]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * @param {RegExp} pattern
 * @param {string} text
 * @param {number} at
 */
function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
