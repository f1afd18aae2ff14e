/** The keys that move the active cell and extend the range, as in every spreadsheet. */

/** @typedef {[number, number]} Step rows, columns */

/** @type {Record<string, Step>} */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const FAR = Number.MAX_SAFE_INTEGER;

/**
 * @param {import("./grid.js").Grid} grid
 * @param {import("./keymap.js").Keymap} keymap
 */
export function moves(grid, keymap) {
  const { selection } = grid;

  /**
   * @param {Step} step
   * @param {boolean} [isExtending]
   */
  function move([rows, columns], isExtending = false) {
    const from = isExtending ? selection.head : selection.active;
    const place = {
      row: clamp(from.row + rows, grid.source.count),
      column: clamp(from.column + columns, grid.columns.length),
    };
    if (isExtending) selection.extend(place);
    else selection.move(place);
    grid.reveal(place);
  }

  /**
   * Moves, and with Shift extends.
   *
   * @param {string} keys
   * @param {() => Step} step
   * @param {string} [label]
   */
  function bind(keys, step, label = "") {
    const parts = keys.split("+");
    const extending = [...parts.slice(0, -1), "Shift", parts.at(-1)].join("+");
    keymap.bind(keys, label, () => move(step()));
    keymap.bind(extending, label && `${label}, selecting on the way`, () => move(step(), true));
  }

  for (const [key, step] of Object.entries(ARROWS)) {
    bind(key, () => step, "Move");
    bind(`Mod+${key}`, () => [step[0] * FAR, step[1] * FAR], "Move to the edge");
  }
  bind("PageUp", () => [-grid.pageRows, 0], "A page up or down");
  bind("PageDown", () => [grid.pageRows, 0], "A page up or down");
  bind("Home", () => [0, -FAR], "To the first or last column");
  bind("End", () => [0, FAR], "To the first or last column");
  bind("Mod+Home", () => [-FAR, -FAR], "To the first or last cell");
  bind("Mod+End", () => [FAR, FAR], "To the first or last cell");
  keymap.bind("Tab", "The next or previous cell", () => step(1));
  keymap.bind("Shift+Tab", "The next or previous cell", () => step(-1));
  keymap.bind("Mod+A", "Select all", () => selection.select(all()));
  keymap.bind("Mod+Space", "Select the column", () => {
    selection.select({ ...all(), left: selection.range.left, right: selection.range.right });
  });

  /** The next cell; at the end of the table Tab leaves the grid. @param {number} by */
  function step(by) {
    const next = selection.active.column + by;
    const row = selection.active.row + (next < 0 ? -1 : next >= grid.columns.length ? 1 : 0);
    if (row < 0 || row >= grid.source.count) return false;
    grid.goTo({ row, column: (next + grid.columns.length) % grid.columns.length });
    return true;
  }

  function all() {
    const { length } = grid.columns;
    return { top: 0, left: 0, bottom: Math.max(0, grid.source.count - 1), right: Math.max(0, length - 1) };
  }
}

/**
 * @param {number} place
 * @param {number} length
 */
function clamp(place, length) {
  return Math.max(0, Math.min(place, length - 1));
}
