/**
 * A form out of a JSON Schema: for each property a field that fits it. What is left empty is not in the value. A text
 * whose schema has the format `template` is completed.
 */

import { area, button, check, choice, field, fold, make, signed, slot, text } from "../elements.js";
import { isLarge, number, parse } from "../exact.js";
import { completes } from "./completion.js";

/** @typedef {import("../elements.js").Part} Part */
/** @typedef {import("../elements.js").Control} Control */
/** @typedef {() => import("./suggestions.js").Suggestion[]} Scope what templates can read */
/** @typedef {{name: string, title: string, hint?: string, isRequired: boolean, scope: Scope}} Place */

const TEMPLATE = /\{\{|\{%|\{#/;
const WHOLE_TEMPLATE = /^\s*\{\{.*\}\}\s*$/s;

/**
 * The fields of an object. Those that need not be filled in, and are not, are folded away.
 *
 * @param {any} schema
 * @param {Record<string, any>} value
 * @param {Scope} scope
 * @returns {Part}
 */
export function schemaForm(schema, value, scope) {
  if (schema["x-functions"]) return functionForm(schema["x-functions"], value, scope);
  const required = schema.required ?? [];
  const parts = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const isRequired = required.includes(name);
    const made = partOf(part, value[name], {
      name,
      title: part.title ?? name,
      hint: part.description,
      isRequired,
      scope,
    });
    return { name, made, isShown: isRequired || name in value || !required.length };
  });
  const shown = parts.filter(({ isShown }) => isShown).map(({ made }) => made.element);
  const folded = parts.filter(({ isShown }) => !isShown).map(({ made }) => made.element);
  const element = make("div", { class: "stack" }, [...shown, folded.length ? fold("More", folded, false) : null]);
  return {
    element,
    read: () =>
      gather(
        parts.map(({ name, made }) => [name, made.read()]),
        others(schema, value),
      ),
  };
}

/** What the value has and the schema does not know: it is kept, and the server says what it thinks of it. @param {any} schema @param {Record<string, any>} value */
function others(schema, value) {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !(name in (schema.properties ?? {}))));
}

/** @param {[string, any][]} entries @param {Record<string, any>} [start] */
function gather(entries, start = {}) {
  return { ...start, ...Object.fromEntries(entries.filter(([, value]) => value !== undefined)) };
}

/** @param {any} schema @param {any} value @param {Place} place @returns {Part} */
function partOf(schema, value, place) {
  switch (kindOf(schema)) {
    case "choice":
      return enumPart(schema, value, place);
    case "truth":
      return truthPart(value, place);
    case "list":
      return listPart(schema, value, place);
    case "group":
      return groupPart(schema, value, place);
    case "pairs":
      return pairsPart(value, place);
    case "json":
      return jsonPart(schema, value, place);
    default:
      return textPart(schema, value, place);
  }
}

/** @param {any} schema */
function kindOf(schema) {
  const types = typesOf(schema);
  if (schema.enum) return "choice";
  if (!types.length) return "json";
  if (types.includes("string") || types.includes("number") || types.includes("integer")) return "text";
  if (types.includes("boolean")) return "truth";
  if (types.includes("array")) return "list";
  if (schema.properties) return "group";
  return typeof schema.additionalProperties === "object" ? "pairs" : "json";
}

/** @param {any} schema @returns {string[]} */
function typesOf(schema) {
  const options = schema.anyOf ?? [schema];
  return options
    .flatMap((/** @type {any} */ each) => each.type ?? [])
    .filter((/** @type {string} */ type) => type !== "null");
}

/** @param {any} schema @param {any} value @param {Place} place @returns {Part} */
function enumPart(schema, value, { name, title, hint, isRequired }) {
  const none = schema.default === undefined ? "–" : `${schema.default} (if nothing is chosen)`;
  /** @type {[string, string][]} */
  const options = schema.enum.map((/** @type {any} */ each) => [String(each), String(each)]);
  const first = isRequired ? (value ?? schema.default ?? schema.enum[0]) : (value ?? "");
  const control = choice(isRequired ? options : [["", none], ...options], String(first));
  const read = () => schema.enum.find((/** @type {any} */ each) => String(each) === control.value);
  return { element: field(title, control, { part: name, hint }), read };
}

/** @param {any} value @param {Place} place @returns {Part} */
function truthPart(value, { name, title, hint }) {
  const { box, label } = check(title, value === true);
  const told = hint ? make("p", { class: "hint" }, [hint]) : null;
  const element = make("div", { class: "field", data: { part: name } }, [label, told, slot()]);
  return { element, read: () => (box.checked ? true : value === undefined ? undefined : false) };
}

/** A text, a template, or a number. @param {any} schema @param {any} value @param {Place} place @returns {Part} */
function textPart(schema, value, place) {
  const types = typesOf(schema);
  const isNumber = types.includes("number") || types.includes("integer");
  const attributes = {
    inputmode: isNumber && !types.includes("string") ? "decimal" : null,
    placeholder: schema.default === undefined ? null : String(schema.default),
  };
  const given = value === undefined || value === null ? "" : isLarge(value) ? value.rawJSON : String(value);
  const control = schema["x-multiline"] ? area(given, attributes) : text(given, attributes);
  if (schema.format === "template") completes(control, place.scope);
  const read = () => (control.value === "" ? nothing(value) : isNumber ? numberOf(control.value) : control.value);
  return {
    element: field(place.title, control, { part: place.name, hint: place.hint, required: place.isRequired }),
    read,
  };
}

/** What an empty field says: nothing, or that nothing which was there. @param {any} value */
function nothing(value) {
  return value === null ? null : undefined;
}

/** The number that a text says; another text as it is: the server says what is wrong with it. @param {string} said */
function numberOf(said) {
  return said.trim() === "" || Number.isNaN(number(said)) ? said : number(said);
}

/** JSON, in whose texts templates may be; or one template for all of it. @param {any} schema @param {any} value @param {Place} place @returns {Part} */
function jsonPart(schema, value, place) {
  const isAny = !typesOf(schema).length;
  const isTemplate = typeof value === "string" && WHOLE_TEMPLATE.test(value);
  const control = area(
    value === undefined || value === null ? "" : isTemplate ? value : JSON.stringify(value, null, 2),
  );
  control.classList.add("code");
  if (schema.format === "template") completes(control, place.scope);
  const read = () => {
    delete control.dataset.wrong;
    if (control.value.trim() === "") return nothing(value);
    if (isAny && WHOLE_TEMPLATE.test(control.value)) return control.value;
    try {
      return parse(control.value);
    } catch (error) {
      control.dataset.wrong = `This is no JSON: ${/** @type {Error} */ (error).message}.`;
      return control.value;
    }
  };
  return {
    element: field(place.title, control, { part: place.name, hint: place.hint, required: place.isRequired }),
    read,
  };
}

/** @param {any} schema @param {any} value @param {Place} place @returns {Part} */
function groupPart(schema, value, { name, title, hint, scope }) {
  const inner = schemaForm(schema, value ?? {}, scope);
  const element = framed(name, title, hint, [inner.element]);
  const read = () => {
    const found = inner.read();
    return Object.keys(found).length || value !== undefined ? found : undefined;
  };
  return { element, read };
}

/** Several fields under one legend. @param {string} part @param {string} title @param {string | undefined} hint @param {(Node | null)[]} children */
function framed(part, title, hint, children) {
  const told = hint ? make("p", { class: "hint" }, [hint]) : null;
  return make("fieldset", { class: "field", data: { part } }, [make("legend", {}, [title]), told, ...children, slot()]);
}

/** @param {any} schema @param {any} value @param {Place} place @returns {Part} */
function listPart(schema, value, { name, title, hint, scope }) {
  const rows = make("div", { class: "rows" });
  const item = schema.items ?? {};
  const one = title.toLowerCase();
  /** @type {Map<Element, Part>} */
  const parts = new Map();
  const add = (/** @type {any} */ given) => {
    const made = partOf(item, given, { name: "", title: `${title}: item`, isRequired: true, scope });
    const row = make("div", { class: "row" }, [made.element]);
    made.element.querySelector("label")?.classList.add("out-of-sight");
    row.append(removal(`Remove from ${one}`, row));
    parts.set(row, made);
    rows.append(row);
    return row;
  };
  for (const each of value ?? []) add(each);
  const more = button("Add", () => focusIn(add(undefined)), { class: "button small", "aria-label": `Add to ${one}` });
  const read = () => {
    const found = [...rows.children].map((row, index) => {
      const part = /** @type {Part} */ (parts.get(row));
      part.element.dataset.part = String(index);
      return part.read() ?? "";
    });
    return found.length || value !== undefined ? found : undefined;
  };
  return { element: framed(name, title, hint, [rows, more]), read };
}

/** Names and templates. @param {any} value @param {Place} place @returns {Part} */
function pairsPart(value, { name, title, hint, scope }) {
  const rows = make("div", { class: "rows" });
  const one = title.toLowerCase();
  /** @type {Map<Element, () => [string, any]>} */
  const pairs = new Map();
  const add = (/** @type {string} */ key, /** @type {any} */ given) => {
    const said = given === undefined ? "" : typeof given === "string" ? given : JSON.stringify(given);
    const named = text(key, { "aria-label": `Name in ${one}`, placeholder: "name" });
    const valued = text(said, { "aria-label": `Value in ${one}`, placeholder: "value", data: { control: "" } });
    completes(valued, scope);
    const cell = make("div", { class: "field" }, [valued, slot()]);
    const row = make("div", { class: "row pair-row" }, [named, cell]);
    row.append(removal(`Remove from ${one}`, row));
    pairs.set(row, () => {
      cell.dataset.part = named.value;
      return [named.value, valued.value === said && given !== undefined ? given : valued.value];
    });
    rows.append(row);
    return row;
  };
  for (const [key, given] of Object.entries(value ?? {})) add(key, given);
  const more = button("Add", () => focusIn(add("", undefined)), {
    class: "button small",
    "aria-label": `Add to ${one}`,
  });
  const read = () => {
    const found = [...rows.children].map((row) => pairs.get(row)?.() ?? ["", ""]).filter(([key, it]) => key || it);
    return found.length ? Object.fromEntries(found) : value === undefined ? undefined : {};
  };
  return { element: framed(name, title, hint, [rows, more]), read };
}

/** @param {string} words @param {HTMLElement} row */
function removal(words, row) {
  const remove = () => {
    const next = row.nextElementSibling ?? row.previousElementSibling ?? row.parentElement?.nextElementSibling;
    const around = row.parentElement;
    row.remove();
    around?.dispatchEvent(new Event("input", { bubbles: true }));
    if (next) focusIn(next);
  };
  return signed("close", words, remove);
}

/** @param {Element} element */
export function focusIn(element) {
  const first = element.matches("button") ? element : element.querySelector("input, select, textarea, button");
  if (first instanceof HTMLElement) first.focus();
}

/**
 * A function out of those that are registered, and its arguments by its signature.
 *
 * @param {any[]} functions
 * @param {Record<string, any>} value
 * @param {Scope} scope
 * @returns {Part}
 */
function functionForm(functions, value, scope) {
  /** @type {[string, string][]} */
  const options = functions.map((each) => [each.name, `${each.title} (${each.name})`]);
  const control = choice([["", "Choose…"], ...options], value.function ?? "");
  const about = make("p", { class: "hint" });
  const host = make("div", { data: { part: "arguments" }, class: "stack" });
  let given = value.arguments ?? {};
  /** @type {[string, Part][]} */
  let parts = [];
  const draw = () => {
    const chosen = functions.find((each) => each.name === control.value);
    about.textContent = chosen?.description.split("\n")[0] ?? "";
    parts = Object.entries(chosen?.parameters.properties ?? {}).map(([name, schema]) => {
      const isRequired = (chosen?.parameters.required ?? []).includes(name);
      return [name, argumentPart(schema, given[name], { name, title: name, isRequired, scope })];
    });
    host.replaceChildren(...parts.map(([, part]) => part.element), slot());
  };
  const read = () => gather(parts.map(([name, part]) => [name, part.read()]));
  control.addEventListener("change", () => {
    given = { ...given, ...read() };
    draw();
  });
  draw();
  const element = make("div", { class: "stack" }, [
    field("Function", control, { part: "function", required: true }),
    about,
    host,
  ]);
  return {
    element,
    read: () =>
      gather([
        ["function", control.value || undefined],
        ["arguments", parts.length ? read() : undefined],
      ]),
  };
}

/** An argument: a template, or a value as its type has it. @param {any} schema @param {any} value @param {Place} place @returns {Part} */
function argumentPart(schema, value, { name, title, isRequired, scope }) {
  const types = typesOf(schema);
  const control = text(
    value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value),
  );
  completes(control, scope);
  const hint = schema.enum
    ? `One of ${schema.enum.join(", ")}.`
    : types.includes("string")
      ? undefined
      : types.join(" or ");
  const read = () => (control.value === "" ? nothing(value) : argumentOf(control.value, types));
  return { element: field(title, control, { part: name, hint, required: isRequired }), read };
}

/** @param {string} said @param {string[]} types */
function argumentOf(said, types) {
  if (TEMPLATE.test(said) || types.includes("string")) return said;
  try {
    return parse(said);
  } catch {
    return said;
  }
}
