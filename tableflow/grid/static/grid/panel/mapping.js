/** What the workflow is given for a row, and which columns its outputs fill. */

import { button, check, choice, field, make, offer, signed, slot, text } from "../elements.js";
import { capital } from "../words.js";
import { completes } from "./completion.js";
import { focusIn } from "./schema_form.js";
import { ofColumns, ofInputs, ofSteps, schemaAt } from "./suggestions.js";

/** @typedef {import("./suggestions.js").Column} Column */
/** @typedef {import("./suggestions.js").Suggestion} Suggestion */

const TEMPLATE = "{{";
const NEW = "+";
const NONE = "-";
const IS_TEMPLATE = /\{\{|\{%|\{#/;
/** What a schema's type or format is as a column. */
const TYPES = /** @type {Record<string, string>} */ ({
  number: "number",
  integer: "number",
  boolean: "boolean",
  object: "json",
  array: "json",
  "date-time": "datetime",
  date: "date",
  uri: "url",
  email: "email",
});

/** Columns that stand left of these. @param {Column[]} columns @param {string[]} keys */
export function leftOf(columns, keys) {
  const places = columns.filter(({ key }) => keys.includes(key)).map(({ position }) => position);
  const first = Math.min(...places, Number.POSITIVE_INFINITY);
  return columns.filter(({ position }) => position < first);
}

/** The inputs, each a column, a template or nothing. Where the workflow is written, they are named here, too. */
export class Inputs {
  /**
   * @param {{names: string[], given: Record<string, string>, isWriting: boolean, columns: () => Column[]}} start
   * @param {() => void} changed
   */
  constructor({ names, given, isWriting, columns }, changed) {
    this.columns = columns;
    /** @type {boolean} */
    this.isWriting = isWriting;
    this.changed = changed;
    /** @type {{element: HTMLElement, select: HTMLSelectElement, read: (index: number) => [string, string]}[]} */
    this.rows = [];
    this.list = make("div", { class: "rows" });
    const more = isWriting ? button("Add an input", () => this.add(), { class: "button small" }) : null;
    const none = make("p", { class: "hint" }, [
      isWriting ? "Steps may also read the row’s columns directly." : "It has no inputs.",
    ]);
    this.element = make("div", { class: "stack", data: { at: "inputs" } }, [
      this.list,
      more,
      isWriting || !names.length ? none : null,
      slot(),
      make("div", { class: "field", data: { at: "workflow.inputs" } }, [slot()]),
    ]);
    for (const name of names) this.put(name, given[name] ?? "");
  }

  get names() {
    return this.rows.map((row, index) => row.read(index)[0]);
  }

  /** @returns {Record<string, string>} */
  read() {
    return Object.fromEntries(
      this.rows.map((row, index) => row.read(index)).filter(([name, source]) => name && source),
    );
  }

  add() {
    const used = new Set(this.names);
    const column = this.columns().find(({ key }) => !used.has(key));
    focusIn(this.put(column?.key ?? "", column?.key ?? ""));
    this.changed();
  }

  /** Other columns: what is chosen stays. */
  refresh() {
    for (const { select } of this.rows) offer(select, this.options());
  }

  /** @returns {[string, string][]} */
  options() {
    return [
      ["", "Nothing"],
      ...this.columns().map(({ key, name }) => /** @type {[string, string]} */ ([key, name])),
      [TEMPLATE, "A template…"],
    ];
  }

  /** @param {string} name @param {string} source */
  put(name, source) {
    const isTemplate = IS_TEMPLATE.test(source);
    /** @type {HTMLInputElement | null} */
    const named = this.isWriting
      ? text(name, { class: "code", "aria-label": "Name of the input", data: { control: "" } })
      : null;
    const label = () => named?.value ?? name;
    const select = choice(this.options(), isTemplate ? TEMPLATE : source, {
      "aria-label": `What ${name} is`,
      data: { control: "" },
    });
    const template = text(isTemplate ? source : "", {
      class: "code",
      "aria-label": `Template for ${name}`,
      placeholder: "{{ row.… }}",
      hidden: !isTemplate,
    });
    completes(template, () => ofColumns(this.columns()));
    select.addEventListener("change", () => {
      template.hidden = select.value !== TEMPLATE;
    });
    const sources = make("div", { class: "field" }, [select, template, slot()]);
    const first = named
      ? make("div", { class: "field" }, [named, slot()])
      : make("span", { class: "code name" }, [name]);
    const element = make("div", { class: "row input-row" }, [first, sources]);
    const row = {
      element,
      select,
      read: (/** @type {number} */ index) => {
        if (named) first.dataset.at = `workflow.inputs.${index}`;
        sources.dataset.at = `inputs.${label()}`;
        select.setAttribute("aria-label", `What ${label()} is`);
        template.setAttribute("aria-label", `Template for ${label()}`);
        return /** @type {[string, string]} */ ([label(), select.value === TEMPLATE ? template.value : select.value]);
      },
    };
    if (named) element.append(this.removal(row, label));
    this.rows.push(row);
    this.list.append(element);
    return element;
  }

  /** @param {Inputs["rows"][number]} row @param {() => string} label */
  removal(row, label) {
    const remove = () => {
      takeOut(this.rows, row, this.list);
      this.changed();
    };
    const made = signed("close", "Remove the input", remove);
    made.setAttribute("aria-label", `Remove the input ${label()}`);
    return made;
  }
}

/**
 * @typedef {object} Start
 * @property {Record<string, string>} templates by name
 * @property {{from: string, column: string}[]} filled what the group fills now
 * @property {boolean} isWriting
 * @property {string} alone the name for the column of an only output
 * @property {() => Column[]} columns
 * @property {number | null} group
 * @property {() => string[]} inputs
 * @property {() => any[]} steps
 * @property {Map<string, any>} types
 * @property {Record<string, string>} kinds words by type of column
 */

/** The outputs, each into a column that is there or one that is to be made. Where the workflow is written, they are made here. */
export class Outputs {
  /**
   * @param {Start} start
   * @param {() => void} changed
   */
  constructor(start, changed) {
    /** @type {Start} */
    this.start = start;
    this.changed = changed;
    /** @type {OutputRow[]} */
    this.rows = [];
    this.list = make("div", { class: "rows outputs" });
    const more = start.isWriting ? button("Add an output", () => this.add(), { class: "button small" }) : null;
    const { box, label } = check("Delete the columns that it no longer fills, with their values", false);
    this.drops = box;
    this.dropping = make("div", { class: "field", hidden: true }, [label]);
    this.element = make("div", { class: "stack" }, [
      this.list,
      more,
      this.dropping,
      make("div", { class: "field", data: { at: "outputs" } }, [slot()]),
      make("div", { class: "field", data: { at: "workflow.outputs" } }, [slot()]),
    ]);
    const names = Object.keys(start.templates);
    for (const name of names) this.put(name, start.templates[name], names.length === 1);
  }

  /** @returns {Record<string, string>} */
  get templates() {
    return Object.fromEntries(this.rows.map((row) => [row.name, row.template]));
  }

  /** The outputs that fill a column, as the API takes them. */
  read() {
    const included = this.rows.filter((row) => row.goes.value !== NONE);
    const names = this.rows.map(({ name }) => name);
    this.rows.forEach((row, index) => {
      row.place(included.indexOf(row));
      row.tell(index, names.indexOf(row.name) < index);
    });
    this.dropping.hidden = !this.left().length;
    return included.map((row) => ({ from: row.name, column: row.column }));
  }

  /** The keys of columns that the group fills now, and would not any more. */
  left() {
    const kept = this.rows.map(({ goes }) => goes.value);
    return this.start.filled.map(({ column }) => column).filter((key) => !kept.includes(key));
  }

  /** The keys of the columns that are there and would be filled. */
  get keys() {
    return this.rows.map(({ goes }) => goes.value).filter((value) => value !== NEW && value !== NONE);
  }

  /** Whether columns that are no longer filled are to be deleted. */
  get areDropped() {
    return this.drops.checked && this.left().length > 0;
  }

  refresh() {
    for (const { goes } of this.rows) offer(goes, this.options());
  }

  /** The types of new columns that nobody has chosen one for, as the values of a trial have them. @param {{from: string, value: any}[]} columns */
  learn(columns) {
    for (const { from, value } of columns) {
      const row = this.rows.find(({ name }) => name === from);
      if (row && value !== null) row.guess(kindOfValue(value));
    }
  }

  /** @returns {[string, string][]} */
  options() {
    const { columns, group } = this.start;
    const free = columns().filter((column) => column.group === null || column.group === group);
    return [
      [NEW, "A new column"],
      ...free.map(({ key, name }) => /** @type {[string, string]} */ ([key, name])),
      [NONE, "No column"],
    ];
  }

  add() {
    const steps = this.start.steps();
    const last = steps.at(-1)?.id;
    let name = "result";
    for (let number = 2; this.rows.some((row) => row.name === name); number++) name = `result_${number}`;
    focusIn(this.put(name, last ? `{{ steps.${last} }}` : "", !this.rows.length, NEW));
    this.changed();
  }

  /** @param {string} name @param {string} template @param {boolean} isAlone @param {string} [goes] */
  put(name, template, isAlone, goes = this.start.filled.length ? NONE : NEW) {
    const key = this.start.filled.find(({ from }) => from === name)?.column;
    const title = isAlone && this.start.alone ? this.start.alone : words(name);
    const row = new OutputRow(this, { name, template, goes: key ?? goes, title });
    this.rows.push(row);
    this.list.append(row.element);
    return row.element;
  }

  /** @param {OutputRow} row */
  remove(row) {
    takeOut(this.rows, row, this.list);
    this.changed();
  }
}

class OutputRow {
  /** @param {Outputs} outputs @param {{name: string, template: string, goes: string, title: string}} start */
  constructor(outputs, { name, template, goes, title }) {
    const { isWriting, kinds } = outputs.start;
    this.outputs = outputs;
    this.given = { name, template };
    /** @type {HTMLInputElement | null} */
    this.named = isWriting
      ? text(name, { class: "code", "aria-label": "Name of the output", data: { control: "" } })
      : null;
    /** @type {HTMLInputElement | null} */
    this.said = isWriting
      ? text(template, { class: "code", "aria-label": `Template of ${name}`, placeholder: "{{ steps.… }}" })
      : null;
    this.goes = choice(outputs.options(), goes, { "aria-label": `Column for ${name}`, data: { control: "" } });
    this.title = text(title, { maxlength: "128" });
    this.type = choice(Object.entries(kinds), "text");
    this.isTypeChosen = false;
    this.type.addEventListener("change", () => {
      this.isTypeChosen = true;
    });
    this.making = make("div", { class: "pair", hidden: goes !== NEW }, [
      field("New column", this.title, { part: "column.name" }),
      field("Type", this.type, { part: "column.type" }),
    ]);
    this.goes.addEventListener("change", () => {
      this.making.hidden = this.goes.value !== NEW;
    });
    this.filling = make("div", { class: "field" }, [
      make("div", { class: "field", data: { part: "column" } }, [this.goes, slot()]),
      this.making,
      slot(),
    ]);
    this.element = make("div", { class: "output-row" }, [this.head(), this.filling]);
    this.guess(this.fromTemplate());
  }

  get name() {
    return this.named?.value ?? this.given.name;
  }

  get template() {
    return this.said?.value ?? this.given.template;
  }

  get column() {
    return this.goes.value === NEW ? { name: this.title.value, type: this.type.value } : this.goes.value;
  }

  /** @returns {HTMLElement} */
  head() {
    if (!this.named || !this.said) return make("span", { class: "code name" }, [this.given.name]);
    completes(this.said, () => this.suggestions());
    this.said.addEventListener("input", () => this.guess(this.fromTemplate()));
    const remove = signed("close", "Remove the output", () => this.outputs.remove(this));
    remove.setAttribute("aria-label", `Remove the output ${this.given.name}`);
    this.said.dataset.control = "";
    this.writing = make("div", { class: "field" }, [this.said, slot()]);
    this.naming = make("div", { class: "field" }, [this.named, slot()]);
    return make("div", { class: "row input-row" }, [this.naming, this.writing, remove]);
  }

  /** Of two of one name only one would be kept. @param {number} index @param {boolean} isSecond */
  tell(index, isSecond) {
    if (!this.named || !this.naming) return;
    this.naming.dataset.at = `named.${index}`;
    if (isSecond) this.named.dataset.wrong = "Another output has this name.";
    else delete this.named.dataset.wrong;
  }

  /** @returns {Suggestion[]} */
  suggestions() {
    const { steps, types, inputs, columns } = this.outputs.start;
    return [...ofSteps(steps(), types), ...ofInputs(inputs()), ...ofColumns(columns())];
  }

  /** Where problems of it are found. @param {number} index among those that fill a column; -1: it fills none */
  place(index) {
    this.filling.dataset.at = index < 0 ? `unused.${this.name}` : `outputs.${index}`;
    if (this.writing) this.writing.dataset.at = `workflow.outputs.${this.name}`;
    this.goes.setAttribute("aria-label", `Column for ${this.name}`);
    this.said?.setAttribute("aria-label", `Template of ${this.name}`);
  }

  /** The type that the template's value has, as far as that is known. */
  fromTemplate() {
    const path = /^\s*\{\{\s*([\w.]+)\s*\}\}\s*$/.exec(this.template)?.[1];
    const { steps, types } = this.outputs.start;
    const schema = path ? schemaAt(path, steps(), types) : null;
    const kinds = [schema?.type ?? []].flat().filter((/** @type {string} */ type) => type !== "null");
    return TYPES[schema?.format] ?? TYPES[kinds[0]] ?? "text";
  }

  /** @param {string} type */
  guess(type) {
    if (!this.isTypeChosen) this.type.value = type;
  }
}

/**
 * A row goes; the one that is in its place then gets the focus, or what stands below the list.
 *
 * @template {{element: HTMLElement}} Each
 * @param {Each[]} rows
 * @param {Each} row
 * @param {HTMLElement} list
 */
function takeOut(rows, row, list) {
  const at = rows.indexOf(row);
  rows.splice(at, 1);
  row.element.remove();
  const next = rows[Math.min(at, rows.length - 1)]?.element ?? list.nextElementSibling;
  if (next) focusIn(next);
}

/** @param {any} value */
function kindOfValue(value) {
  if (typeof value === "string") return /^https?:\/\/\S+$/.test(value) ? "url" : "text";
  return TYPES[Array.isArray(value) ? "array" : typeof value] ?? "text";
}

/** A name as words: `first_name` → First name. @param {string} name */
function words(name) {
  const plain = name.replace(/[_-]+/g, " ").trim();
  return capital(plain);
}
