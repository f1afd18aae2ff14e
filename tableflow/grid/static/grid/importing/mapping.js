/** Where each column of a file goes: to one of the table, to a new one of some type, or nowhere. */

import { make } from "../elements.js";

/** @typedef {{header: string, type: string, column: string | null, create: boolean, samples: string[]}} Seen */
/** @typedef {{key: string, name: string, type: string}} Column one that the table has */

/** The values of the choice beside the keys of columns, none of which has a space in it. */
const NEW = " new";
const OUT = " out";
/** The column that the file of rejected lines has at its end. */
const ERROR = "error";

export class Mapping {
  /**
   * @param {HTMLElement} body the rows stand in it
   * @param {HTMLTemplateElement} types the options of a choice of types
   * @param {() => void} changed
   */
  constructor(body, types, changed) {
    this.body = body;
    this.types = types;
    this.changed = changed;
    /** @type {{header: string, to: HTMLSelectElement, type: HTMLSelectElement}[]} */
    this.lines = [];
  }

  /**
   * @param {Seen[]} seen
   * @param {Column[]} columns those that the table has
   * @param {boolean} isMended the file is one of rejected lines: what it says of them is left out
   */
  show(seen, columns, isMended) {
    this.lines = [];
    this.body.replaceChildren(...seen.map((one) => this.line(one, columns, isMended)));
  }

  /**
   * @param {Seen} seen
   * @param {Column[]} columns
   * @param {boolean} isMended
   */
  line(seen, columns, isMended) {
    const { header, samples } = seen;
    const to = make("select", { "aria-label": `Where ${header} goes` }, [
      new Option("New column", NEW),
      ...(columns.length ? [make("optgroup", { label: "Columns of the table" }, columns.map(option))] : []),
      new Option("Leave out", OUT),
    ]);
    to.value = isMended && header === ERROR ? OUT : (seen.column ?? (seen.create ? NEW : OUT));
    const type = make("select", { "aria-label": `Type of ${header}` }, [this.types.content.cloneNode(true)]);
    const settle = () => {
      type.disabled = to.value !== NEW;
      type.value = columns.find(({ key }) => key === to.value)?.type ?? (to.value === NEW ? seen.type : type.value);
    };
    settle();
    to.addEventListener("change", settle);
    for (const choice of [to, type]) choice.addEventListener("change", this.changed);
    this.lines.push({ header, to, type });
    const shown = samples.join(" · ");
    return make("tr", {}, [
      make("th", { scope: "row", title: header }, [header]),
      make("td", {}, [to]),
      make("td", {}, [type]),
      make("td", { class: "wide soft", title: shown }, [shown]),
    ]);
  }

  /** As the API takes it. @returns {{mapping: Record<string, string | null>, types: Record<string, string>}} */
  read() {
    /** @type {Record<string, string | null>} */
    const mapping = {};
    /** @type {Record<string, string>} */
    const types = {};
    for (const { header, to, type } of this.lines)
      if (to.value === NEW) types[header] = type.value;
      else mapping[header] = to.value === OUT ? null : to.value;
    return { mapping, types };
  }
}

/** @param {Column} column */
function option({ key, name }) {
  return new Option(name, key);
}
