/** The values of a form as JSON: names are paths (`outputs.0.column.name`), `data-as` says how a text is read. */

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} [submitter] the button that sends it: its value counts, other buttons' do not
 * @returns {any} what the fields say, as the JSON that the API takes
 */
export function values(form, submitter = null) {
  /** @type {any} */
  const result = Object.create(null);
  for (const field of /** @type {Iterable<HTMLInputElement>} */ (/** @type {unknown} */ (form.elements))) {
    if (!field.name || field.disabled || field.name === "csrfmiddlewaretoken") continue;
    if (field.type === "submit" && field !== submitter) continue;
    if ((field.type === "checkbox" || field.type === "radio") && !field.checked) continue;
    if (field.value === "" && "optional" in field.dataset) continue;
    place(result, field.name.split("."), read(field));
  }
  return result;
}

/** @param {HTMLInputElement} field */
function read(field) {
  switch (field.dataset.as) {
    case "json":
      return parse(field.value);
    case "number":
      return Number.isNaN(Number(field.value)) ? field.value : Number(field.value);
    case "truth":
      return true;
    case "instant":
      return new Date(field.value).toISOString();
    case "list":
      return field.value
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean);
    case "lines":
      return pairs(field.value);
    default:
      return field.value;
  }
}

/** Lines of `name = value` as an object.
 * @param {string} text */
function pairs(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(
    lines.map((line) => line.split(/=(.*)/s).map((part) => part.trim())).map(([k, v]) => [k, v ?? ""]),
  );
}

/** JSON where it is JSON; the text itself goes to the server, which says what is wrong with it.
 * @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * @param {any} into
 * @param {string[]} path a last part of `[]` appends to a list
 * @param {unknown} value
 */
function place(into, path, value) {
  const [head, ...rest] = path;
  if (rest[0] === "[]") into[head] = [...(into[head] ?? []), value];
  else if (!rest.length) into[head] = value;
  else {
    into[head] ??= /^\d+$/.test(rest[0]) ? [] : Object.create(null);
    place(into[head], rest, value);
  }
}
