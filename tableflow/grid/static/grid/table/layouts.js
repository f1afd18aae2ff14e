/** How columns are laid out: as views keep it, and as the sheet has it. Pure. */

/** @typedef {import("./sheet.js").Layout} Layout */
/** @typedef {import("./values.js").Column} Column */
/** @typedef {{widths: Record<string, number>, order: string[], hidden: string[], pinned: string[]}} SavedLayout */

/** Of a view that nobody has laid out yet the first column stays when the others are scrolled. */
const USUALLY_PINNED = 1;

/**
 * The columns in the order that the layout has; those that it does not name stay where the table has them: right of the
 * one that is their neighbour there.
 *
 * @template {{key: string}} Each
 * @param {Each[]} columns as the table has them
 * @param {string[]} order
 * @returns {Each[]}
 */
export function ordered(columns, order) {
  if (!order.length) return columns;
  const known = new Map(columns.map((column) => [column.key, column]));
  const found = order.map((key) => known.get(key)).filter((column) => column !== undefined);
  columns.forEach((column, place) => {
    if (!order.includes(column.key)) found.splice(place ? found.indexOf(columns[place - 1]) + 1 : 0, 0, column);
  });
  return found;
}

/**
 * @param {SavedLayout} saved
 * @param {Column[]} columns
 * @returns {Layout}
 */
export function layoutOf({ widths, order, hidden, pinned }, columns) {
  const isUntouched = ![Object.keys(widths), order, hidden, pinned].some(({ length }) => length);
  const shown = ordered(columns, order).filter(({ key }) => !hidden.includes(key));
  const count = shown.findIndex(({ key }) => !pinned.includes(key));
  return { widths, order, hidden, pinned: isUntouched ? USUALLY_PINNED : count < 0 ? shown.length : count };
}

/**
 * @param {Layout} layout
 * @param {{key: string, width: number}[]} shown
 * @returns {SavedLayout}
 */
export function savedOf({ widths, order, hidden, pinned }, shown) {
  const held = shown.slice(0, pinned);
  const isUntouched = !Object.keys(widths).length && !order.length && !hidden.length && !held.length;
  // That nothing stays must differ from a view that nobody has laid out.
  const said = isUntouched && shown.length ? { [shown[0].key]: Math.round(shown[0].width) } : widths;
  return { widths: said, order, hidden, pinned: held.map(({ key }) => key) };
}

/**
 * The columns of the table in another order: some go before another one. Those that one workflow column fills stay
 * side by side.
 *
 * @param {Column[]} columns in the order that is
 * @param {string[]} keys of those that go
 * @param {string | null} before the key of the one that they go before; null: to the right end
 * @returns {string[]}
 */
export function moved(columns, keys, before) {
  const groups = new Set(
    columns.filter(({ key, group }) => group !== null && keys.includes(key)).map(({ group }) => group),
  );
  const goes = columns.filter(({ key, group }) => keys.includes(key) || (group !== null && groups.has(group)));
  const stay = columns.filter((column) => !goes.includes(column));
  const target = stay.find(({ key }) => key === before);
  const place = !target
    ? stay.length
    : stay.findIndex((each) => each === target || (target.group !== null && each.group === target.group));
  return stay.toSpliced(place, 0, ...goes).map(({ key }) => key);
}
