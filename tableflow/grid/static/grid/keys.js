/**
 * The keyboard in the grid: one cell is in the tab order, arrows, Home, End and the page keys move, Enter or F2 edits
 * a plain cell and opens the trace of a workflow's, and the menu of a row from its number.
 */

/** @typedef {{edit: (cell: HTMLTableCellElement) => unknown, trace: (cell: HTMLTableCellElement) => unknown}} Does */

/** @type {Record<string, [number, number]>} */
const MOVES = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-20, 0],
  PageDown: [20, 0],
  Home: [0, -1000],
  End: [0, 1000],
};

/**
 * @param {HTMLElement} region
 * @param {Does} does
 */
export function keys(region, does) {
  const table = /** @type {HTMLTableElement} */ (region.querySelector("table.grid"));

  table.addEventListener("keydown", (event) => {
    const cell = /** @type {Element} */ (event.target);
    if (!(cell instanceof HTMLTableCellElement) || !cell.closest("tbody")) return;
    if (event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === "F2") enter(cell);
    else if (MOVES[event.key]) move(cell, ...MOVES[event.key]);
    else return;
    event.preventDefault();
  });

  table.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const cell = target.closest("tbody td");
    if (cell instanceof HTMLTableCellElement && !target.closest("a, button, .editor")) focus(cell);
  });

  table.addEventListener("dblclick", (event) => {
    const cell = /** @type {Element} */ (event.target).closest("tbody td");
    if (cell instanceof HTMLTableCellElement && !cell.dataset.editing) enter(cell);
  });

  /** @param {HTMLTableCellElement} cell */
  function enter(cell) {
    const button = cell.matches("th") ? cell.querySelector("button") : null;
    if (button) button.click();
    else if (columnOf(cell).group) does.trace(cell);
    else does.edit(cell);
  }

  /**
   * @param {HTMLTableCellElement} cell
   * @param {number} down
   * @param {number} right
   */
  function move(cell, down, right) {
    const rows = [...table.tBodies[0].rows];
    const row = rows[clamp(rows.indexOf(/** @type {HTMLTableRowElement} */ (cell.parentElement)) + down, rows.length)];
    focus(row.cells[clamp(cell.cellIndex + right, row.cells.length)]);
  }

  /** @param {HTMLTableCellElement | undefined} cell */
  function focus(cell) {
    if (!cell) return;
    for (const old of table.querySelectorAll("tbody [tabindex='0']")) old.setAttribute("tabindex", "-1");
    cell.tabIndex = 0;
    cell.focus();
  }

  const first = table.tBodies[0]?.rows[0]?.cells[1];
  if (first) first.tabIndex = 0;
  const wanted = document.getElementById(`row-${new URLSearchParams(location.search).get("row")}`);
  if (wanted instanceof HTMLTableRowElement) focus(wanted.cells[1]);
}

/**
 * @param {HTMLTableCellElement} cell
 * @returns {DOMStringMap} the data of its column: key, name, type, group, choices
 */
export function columnOf(cell) {
  const table = /** @type {HTMLTableElement} */ (cell.closest("table"));
  return table.querySelectorAll("col")[cell.cellIndex].dataset;
}

/**
 * @param {number} place
 * @param {number} length
 */
function clamp(place, length) {
  return Math.min(Math.max(place, 0), length - 1);
}
