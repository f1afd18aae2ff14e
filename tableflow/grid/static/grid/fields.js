/** The field that edits a value, by its column's type, and what it gives back to the server, which checks it. */

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Field */

/** @type {Record<string, string>} */
const INPUT_TYPES = { date: "date", email: "email", url: "url" };

/**
 * @param {DOMStringMap} column
 * @param {unknown} value
 * @returns {Field}
 */
export function build(column, value) {
  const text = written(value);
  if (column.type === "boolean") return choose(["", "true", "false"], ["", "Yes", "No"], text);
  if (column.type === "select" && column.choices) return ofChoices(JSON.parse(column.choices), text);
  if (column.type === "json" || (column.type === "text" && (text.length > 60 || text.includes("\n")))) {
    const area = document.createElement("textarea");
    area.value = typeof value === "string" ? text : value == null ? "" : JSON.stringify(value, null, 2);
    return area;
  }
  const input = document.createElement("input");
  input.type = INPUT_TYPES[column.type ?? ""] ?? "text";
  if (column.type === "number" || column.type === "currency") input.inputMode = "decimal";
  input.value = text;
  return input;
}

/**
 * @param {Field} field
 * @param {DOMStringMap} column
 * @returns {unknown} a text the server reads by the column's type; null for empty
 */
export function read(field, column) {
  if (field.value === "") return null;
  return column.type === "boolean" ? field.value === "true" : field.value;
}

/** @param {unknown} value */
function written(value) {
  if (value == null) return "";
  if (Array.isArray(value) && value.every((item) => typeof item === "string" && !item.includes(","))) {
    return value.join(", ");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * @param {string[]} choices
 * @param {string} text
 */
function ofChoices(choices, text) {
  const all = ["", ...new Set(text ? [...choices, text] : choices)];
  return choose(all, all, text);
}

/**
 * @param {string[]} values
 * @param {string[]} labels
 * @param {string} chosen
 */
function choose(values, labels, chosen) {
  const select = document.createElement("select");
  values.forEach((value, place) => {
    select.append(new Option(labels[place], value, false, value === chosen));
  });
  return select;
}
