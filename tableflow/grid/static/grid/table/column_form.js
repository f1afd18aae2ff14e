/**
 * The dialogs of a column: a new one, at the right end or beside another; and another name, type or options of one that
 * is there. What a new type would do to the values is said before it is done.
 */

import { attempt, register } from "../acts.js";
import { call } from "../api.js";
import { open, tell } from "../dialogs.js";
import { make } from "../elements.js";
import { clear, whenSent } from "../forms.js";
import { opened } from "../menus.js";
import { same } from "../same.js";
import { many } from "../words.js";
import { moved, ordered } from "./layouts.js";
import { text } from "./values.js";

/** @typedef {import("./values.js").Column} Column */
/** @typedef {{total: number, converted: number, failed: number, examples: {row: number, value: any, detail: string}[]}} Conversion */

const SHOWN_EXAMPLES = 5;
/** So much of a value the report has at most: one that is longer cannot be put back. */
const WHOLE_CHARACTERS = 200;

/** @param {import("./sheet.js").Sheet} sheet @param {(key: string) => Promise<void>} restore */
export function columnForms(sheet, restore) {
  adding(sheet, restore);
  editing(sheet);
}

/** @param {import("./sheet.js").Sheet} sheet @param {(key: string) => Promise<void>} restore */
function adding(sheet, restore) {
  const form = formOf("new-column");
  if (!form) return;
  /** @type {{key: string, side: "left" | "right"} | null} Beside which column it goes; null: to the right end. */
  let beside = null;

  /** @param {typeof beside} place */
  function begin(place) {
    beside = place;
    form?.reset();
    fit(/** @type {HTMLFormElement} */ (form));
    clear(/** @type {HTMLFormElement} */ (form));
    open("new-column");
  }

  async function add() {
    const { key, name } = await call("POST", `${sheet.base}/columns/`, said(/** @type {HTMLFormElement} */ (form)));
    sheet.undo.push({
      label: `the new column ${name}`,
      undo: async () => {
        await call("DELETE", `${sheet.base}/columns/${key}/`);
        sheet.refresh();
      },
      redo: () => restore(key),
    });
    await sheet.reload();
    const to = beside;
    if (to) await attempt(() => put(key, to)); // it is there, wherever it stands: it is not made twice
    const place = sheet.columns.findIndex((column) => column.key === key);
    if (place >= 0) sheet.grid.goTo({ row: sheet.selection.active.row, column: place });
    sheet.grid.focus();
  }

  /** @param {string} key @param {{key: string, side: "left" | "right"}} place */
  async function put(key, { key: next, side }) {
    const order = besides(sheet.schema.columns, key, next, side);
    await call("PUT", `${sheet.base}/column-order/`, { columns: order });
    await sheet.reload();
    const shown = ordered(sheet.schema.columns, sheet.layout.order);
    if (sheet.layout.order.length) sheet.setLayout({ order: besides(shown, key, next, side) });
  }

  whenSent(form, () => sheet.undo.after(add()));
  form.addEventListener("change", () => fit(form));
  register({
    "new-column": () => begin(null),
    "insert-left": () => begin({ key: opened().key ?? "", side: "left" }),
    "insert-right": () => begin({ key: opened().key ?? "", side: "right" }),
  });
}

/**
 * The keys with one beside another; never among those that one workflow column fills.
 *
 * @param {Column[]} columns
 * @param {string} key
 * @param {string} next
 * @param {"left" | "right"} side
 */
function besides(columns, key, next, side) {
  if (side === "left") return moved(columns, [key], next);
  const rest = columns.filter((column) => column.key !== key);
  const at = rest.findIndex((column) => column.key === next);
  const { group } = rest[at];
  const after = rest.slice(at + 1).find((column) => group === null || column.group !== group);
  return moved(columns, [key], after?.key ?? null);
}

/** @param {import("./sheet.js").Sheet} sheet */
function editing(sheet) {
  const form = formOf("edit-column");
  if (!form) return;
  const report = /** @type {HTMLElement} */ (form.querySelector("[data-report]"));
  const yes = /** @type {HTMLButtonElement} */ (form.querySelector("[data-yes]"));
  /** @type {Column | undefined} */
  let column;
  /** @type {{of: string, conversion: Conversion | null} | null} What the server says of the changes that are asked for. */
  let tried = null;

  /** @param {Column | undefined} of */
  function begin(of) {
    if (!of || !form) return;
    column = of;
    clear(form);
    fill(form, of);
    forget();
    open("edit-column");
  }

  function forget() {
    tried = null;
    told([], 0);
  }

  /** What is asked for is other than what is there. @returns {Record<string, any>} */
  function changes() {
    const now = said(/** @type {HTMLFormElement} */ (form));
    const { name, type, options } = /** @type {Column} */ (column);
    const isOther = type !== now.type || !same(options, now.options);
    return {
      ...(now.name === name ? {} : { name: now.name }),
      ...(isOther ? { type: now.type, options: now.options } : {}),
    };
  }

  /** Asks what would become of the values. */
  async function test() {
    forget();
    const { type, options } = changes();
    if (!type) return;
    const of = JSON.stringify({ type, options });
    const answer = await call("PATCH", `${address()}?dry_run=1`, { type, options });
    const now = changes();
    if (JSON.stringify({ type: now.type, options: now.options }) !== of) return;
    tried = { of, conversion: answer.conversion };
    told(reportOf(answer.conversion), answer.conversion?.failed ?? 0);
  }

  /** @param {Node[]} outcome @param {number} failed how many values would be lost */
  function told(outcome, failed) {
    report.replaceChildren(...outcome);
    yes.textContent = failed ? `Save, and empty ${many(failed, "value")}` : "Save";
    yes.classList.toggle("danger", failed > 0);
    yes.classList.toggle("main", !failed);
  }

  /** @returns {Promise<boolean>} false: there is something to be read first */
  async function save() {
    const wanted = changes();
    const { type, options } = wanted;
    if (type && tried?.of !== JSON.stringify({ type, options })) {
      await test();
      if (tried?.conversion?.total) return false;
    }
    if (Object.keys(wanted).length) await apply(/** @type {Column} */ (column), wanted, tried?.conversion ?? null);
    return true;
  }

  /** @param {Column} before @param {Record<string, any>} wanted @param {Conversion | null} conversion */
  async function apply(before, wanted, conversion) {
    const { key, name, type, options } = before;
    const to = address();
    const change = async (/** @type {Record<string, any>} */ changes) => {
      await call("PATCH", to, changes);
      sheet.refresh();
    };
    await change(wanted);
    const back = { ...(wanted.name ? { name } : {}), ...(wanted.type ? { type, options } : {}) };
    if (conversion && !canPutBack(conversion)) return tell(`${name} is changed. It cannot be undone.`);
    sheet.undo.push({
      label: `the column ${name} was changed`,
      undo: async () => {
        await change(back);
        await putBack(key, conversion);
      },
      redo: () => change(wanted),
    });
  }

  /** Values that became empty are there again. @param {string} key @param {Conversion | null} conversion */
  async function putBack(key, conversion) {
    if (!conversion?.examples.length) return;
    const rows = conversion.examples.map(({ row }) => sheet.undo.id(row));
    const values = conversion.examples.map(({ value }) => [value]);
    const expected = values.map(() => [null]); // what somebody has typed there since stays
    await call("PUT", `${sheet.base}/block/`, { columns: [key], rows, values, expected });
    sheet.refresh(rows);
  }

  function address() {
    return `${sheet.base}/columns/${/** @type {Column} */ (column).key}/`;
  }

  form.addEventListener("change", () => {
    fit(form);
    attempt(test);
  });
  whenSent(form, () => sheet.undo.after(save()));
  register({ "edit-column": () => begin(sheet.column(opened().key ?? "") ?? sheet.activeColumn) });
}

/** What becomes of the values. @param {Conversion | null} conversion @returns {Node[]} */
function reportOf(conversion) {
  if (!conversion?.total) return [make("p", { class: "notice" }, ["No value changes."])];
  const { total, converted, failed, examples } = conversion;
  const kept = `${converted.toLocaleString("en")} of ${many(total, "value")} can be kept`;
  const lost = failed ? `, ${failed.toLocaleString("en")} ${failed === 1 ? "becomes" : "become"} empty.` : ".";
  const more = canPutBack(conversion) ? "" : " Undo does not bring these back.";
  const sum = make("p", { class: failed ? "notice bad" : "notice" }, [kept + lost + more]);
  const lines = examples.slice(0, SHOWN_EXAMPLES).map(({ detail }) => make("li", {}, [detail]));
  return lines.length ? [sum, make("ul", { class: "examples" }, lines)] : [sum];
}

/** Whether the report names every value that is lost, in full. @param {Conversion} conversion */
function canPutBack({ failed, examples }) {
  return failed === examples.length && examples.every(({ value }) => text(value).length < WHOLE_CHARACTERS);
}

/** @param {string} dialog the id @returns {HTMLFormElement | null} */
function formOf(dialog) {
  return document.querySelector(`#${dialog} form`);
}

/** Only the fields of the type are seen. @param {HTMLFormElement} form */
function fit(form) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-for-type]"))) {
    part.hidden = !(part.dataset.forType ?? "").split(" ").includes(field(form, "type").value);
  }
}

/** @param {HTMLFormElement} form @param {string} name */
function field(form, name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
}

/** @param {HTMLFormElement} form @param {Column} column */
function fill(form, { name, type, options }) {
  field(form, "name").value = name;
  field(form, "type").value = type;
  field(form, "options.choices").value = (options.choices ?? []).join("\n");
  field(form, "options.currency").value = options.currency ?? "USD";
  field(form, "options.precision").value = options.precision ?? "";
  fit(form);
}

/** @param {HTMLFormElement} form @returns {{name: string, type: string, options: Record<string, any>}} */
function said(form) {
  const [type, currency, precision] = ["type", "options.currency", "options.precision"].map(
    (name) => field(form, name).value,
  );
  const choices = field(form, "options.choices")
    .value.split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const decimals = precision === "" ? {} : { precision: Number(precision) };
  const options = {
    currency: { ...decimals, currency },
    number: decimals,
    select: { choices },
    multiselect: { choices },
  };
  return { name: field(form, "name").value, type, options: /** @type {any} */ (options)[type] ?? {} };
}
