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
 * @property {(row: Row, index: number) => boolean} covers
 * @property {() => Promise<Named>} named
 */
/** @typedef {{groups: number[], rows: Rows}} Scope */

/** What is shown as a filter, the search among it; null: everything is. @param {Sheet} sheet */
export function shownFilter({ query: { filter, search } }) {
  if (!search) return filter;
  const found = { field: "*", op: "contains", value: search };
  return filter === null ? found : { all: [filter, found] };
}

/** All that is shown. @param {Sheet} sheet @returns {Rows} */
export function shownRows(sheet) {
  const filter = shownFilter(sheet);
  return {
    count: sheet.store.count,
    kind: filter === null ? "" : "filtered",
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
    covers: ({ id }) => ids.has(id) !== isAll,
    named: async () => (isAll ? allBut(all, [...ids]) : { rows: [...ids] }),
  };
}

/** @param {any} filter @param {number[]} ids @returns {Named} */
function allBut(filter, ids) {
  return { ...(filter === null ? {} : { filter }), ...(ids.length ? { exclude_rows: ids } : {}) };
}

/** The rows of the range of cells. @param {Sheet} sheet @returns {Rows} */
export function rangeRows(sheet) {
  const { top, bottom } = sheet.selection.range;
  const { count } = sheet.store;
  if (count > 1 && top === 0 && bottom >= count - 1) return shownRows(sheet);
  return {
    count: Math.max(0, Math.min(bottom, count - 1) - top + 1),
    kind: "selected",
    covers: (_, index) => index >= top && index <= bottom,
    named: async () => ({ rows: await sheet.idsOf(top, bottom + 1) }),
  };
}

/** @param {number} id @returns {Rows} */
export function oneRow(id) {
  return { count: 1, kind: "selected", covers: (row) => row.id === id, named: async () => ({ rows: [id] }) };
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
