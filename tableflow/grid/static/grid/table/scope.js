/** What a gesture covers: workflow columns in rows that it names one by one, or by what is shown. One request says it. */

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("../core/store.js").Row} Row */
/**
 * @typedef {object} Named how a request names rows; nothing in it: all of the table
 * @property {number[]} [rows] ids
 * @property {any} [filter]
 * @property {number[]} [exclude_rows] ids
 */
/**
 * @typedef {object} Rows
 * @property {number} count
 * @property {string} kind "selected", "filtered", or "" where it is every row
 * @property {number} listed how many ids a request has
 * @property {(row: Row, index: number) => boolean} covers
 * @property {() => Promise<Named>} named the same however often, and from the first time on
 */
/** @typedef {{groups: number[], rows: Rows}} Scope */

/** So many ids one request takes. */
export const MOST_LISTED = 10_000;

/** What is shown as a filter, the search among it; null: everything is. @param {Sheet} sheet */
function shownFilter({ query: { filter, search } }) {
  if (!search) return filter;
  const found = { field: "*", op: "contains", value: search };
  if (filter === null) return found;
  return { all: [...(Array.isArray(filter.all) ? filter.all : [filter]), found] }; // no deeper than the filter, if it can be
}

/** All that is shown. @param {Sheet} sheet @returns {Rows} */
export function shownRows(sheet) {
  const filter = shownFilter(sheet);
  return {
    count: sheet.store.count,
    kind: filter === null ? "" : "filtered",
    listed: 0,
    covers: () => true,
    named: async () => allBut(filter, []),
  };
}

/** The rows that are chosen; null when none are. @param {Sheet} sheet @returns {Rows | null} */
export function chosenRows(sheet) {
  const { selection } = sheet;
  if (!selection.hasRows) return null;
  const { isAll } = selection;
  const [ids, all] = [new Set(selection.rows), shownFilter(sheet)];
  return {
    count: selection.rowCount(sheet.store.count),
    kind: "selected",
    listed: ids.size,
    covers: ({ id }) => ids.has(id) !== isAll,
    named: async () => (isAll ? allBut(all, [...ids]) : { rows: [...ids] }),
  };
}

/** @param {any} filter @param {number[]} ids @returns {Named} */
function allBut(filter, ids) {
  return { ...(filter === null ? {} : { filter }), ...(ids.length ? { exclude_rows: ids } : {}) };
}

/** The rows that stand in the range of cells now, wherever they move. @param {Sheet} sheet @returns {Rows} */
export function rangeRows(sheet) {
  const { top, bottom } = sheet.selection.range;
  const all = sheet.store.count;
  if (all > 1 && top === 0 && bottom >= all - 1) return shownRows(sheet);
  const count = Math.max(0, Math.min(bottom, all - 1) - top + 1);
  let ids = loaded(sheet, top, top + count);
  /** @type {Promise<number[]> | null} */
  let asked = null;
  return {
    count,
    kind: "selected",
    listed: count,
    covers: ({ id }, index) => (ids ? ids.has(id) : index >= top && index <= bottom),
    named: async () => {
      asked ??= ids ? Promise.resolve([...ids]) : sheet.idsOf(top, top + count);
      const rows = await asked;
      ids ??= new Set(rows);
      return { rows };
    },
  };
}

/**
 * @param {Sheet} sheet
 * @param {number} from
 * @param {number} to the one after the last
 * @returns {Set<number> | null} null: not all of them have come
 */
function loaded(sheet, from, to) {
  /** @type {Set<number>} */
  const ids = new Set();
  for (let index = from; index < to; index++) {
    const row = sheet.store.row(index);
    if (!row) return null;
    ids.add(row.id);
  }
  return ids;
}

/** Whoever asks for something means the rows of this moment. @param {Rows} rows */
export function fix(rows) {
  const named = rows.named();
  named.catch(() => {}); // whoever sends it is told
  return named;
}

/** @param {number} id @returns {Rows} */
export function oneRow(id) {
  const named = async () => ({ rows: [id] });
  return { count: 1, kind: "selected", listed: 1, covers: (row) => row.id === id, named };
}

/** The ids of all workflow columns. @param {Sheet} sheet */
export function allGroups(sheet) {
  return sheet.schema.groups.map(({ id }) => id);
}

/** The ids of the workflow columns that the range of cells touches. @param {Sheet} sheet */
export function rangeGroups(sheet) {
  const { left, right } = sheet.selection.range;
  const found = sheet.grid.columns
    .slice(left, right + 1)
    .map((/** @type {{group: number | null}} */ { group }) => group);
  return /** @type {number[]} */ ([...new Set(found)].filter((group) => group !== null));
}

/** What is selected: the chosen rows, else the range of cells; null where there is no workflow cell in it.
 * @param {Sheet} sheet @returns {Scope | null} */
export function selected(sheet) {
  const rows = chosenRows(sheet);
  const groups = rows ? allGroups(sheet) : rangeGroups(sheet);
  return groups.length && sheet.store.count ? { groups, rows: rows ?? rangeRows(sheet) } : null;
}

/**
 * Such rows in words: "5 selected rows", "4,021 filtered rows", "all rows".
 *
 * @param {Rows} rows
 */
export function said({ count, kind }) {
  if (!kind) return "all rows";
  return `${count.toLocaleString("en")} ${kind} ${count === 1 ? "row" : "rows"}`;
}

/** @param {number} count */
export function cells(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "cell" : "cells"}`;
}
