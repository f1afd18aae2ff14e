/**
 * The columns: what their menu does, how wide they are, in which order they stand, which are seen. What is done to the
 * table can be taken back.
 */

import { attempt, register } from "../acts.js";
import { call } from "../api.js";
import { ask, tell } from "../dialogs.js";
import { make } from "../elements.js";
import { opened, show } from "../menus.js";
import { moved, ordered } from "./layouts.js";
import { askName } from "./naming.js";
import { icon } from "./painter.js";
import { width } from "./widths.js";

const ADDER_PX = 36;
const MOST_FITTED_PX = 640;
/** Of so many rows the widest value is shown whole. */
const FITTED_ROWS = 200;

/** @typedef {import("./values.js").Column} Column */

/** @param {import("./sheet.js").Sheet} sheet @param {() => boolean} isDefaultView the order is the table's own then */
export function columns(sheet, isDefaultView) {
  /** The column that the menu is of; where none was opened, that of the active cell. @returns {Column | undefined} */
  function chosen() {
    return sheet.column(opened().key ?? "") ?? sheet.activeColumn;
  }

  // Widths

  /** @param {number} place @param {number} px */
  function resize(place, px) {
    const { key } = sheet.grid.columns[place];
    sheet.setLayout({ widths: { ...sheet.layout.widths, [key]: Math.round(px) } });
  }

  /** @param {number} place */
  function fit(place) {
    const column = sheet.grid.columns[place];
    const rows = [...sheet.store.loaded()].slice(0, FITTED_ROWS).map(([, row]) => row);
    resize(place, width(column, rows, MOST_FITTED_PX));
  }

  // Order

  /**
   * Columns go before another one; null: to the right end.
   *
   * @param {string[]} keys
   * @param {string | null} before
   */
  async function move(keys, before) {
    const { pinned } = sheet.layout;
    const held = sheet.columns.slice(0, pinned).map(({ key }) => key);
    const now = ordered(sheet.schema.columns, sheet.layout.order);
    const order = moved(now, keys, before);
    if (order.join() === now.map(({ key }) => key).join()) return;
    const isHeld = keys.every((key) => held.includes(key));
    const goesIn = before !== null && (held.includes(before) || (isHeld && sheet.columns[pinned]?.key === before));
    const still = held.filter((key) => !keys.includes(key)).length;
    const count = goesIn ? still + keys.length : still;
    if (isDefaultView() && sheet.mayEdit) await reorder(order, count);
    else sheet.setLayout({ order, pinned: count });
  }

  /** @param {string[]} order @param {number} pinned */
  async function reorder(order, pinned) {
    const before = sheet.schema.columns.map(({ key }) => key);
    await sheet.undo.after(put(order, pinned));
    sheet.undo.push({
      label: "the order of the columns",
      undo: () => put(before),
      redo: () => put(order),
    });
  }

  /** @param {string[]} order @param {number} [pinned] */
  async function put(order, pinned = sheet.layout.pinned) {
    const { dropped } = await call("PUT", `${sheet.base}/column-order/`, { columns: order });
    await sheet.reload();
    sheet.setLayout({ order: [], pinned });
    if (dropped.length) tell(dropped.map(lost).join(" "));
  }

  /** @param {{group: number, column: string}} dependency that would now point right */
  function lost({ group, column }) {
    const names = [sheet.group(group)?.name ?? "A workflow column", sheet.column(column)?.name ?? column];
    return `${names[0]} no longer depends on ${names[1]}, which stands right of it now.`;
  }

  // What is seen

  /** @param {string} key @param {boolean} isHidden */
  function hide(key, isHidden) {
    const { hidden, pinned } = sheet.layout;
    const held = sheet.columns.slice(0, pinned).some((column) => column.key === key);
    const left = hidden.filter((each) => each !== key);
    sheet.setLayout({ hidden: isHidden ? [...left, key] : left, pinned: pinned - (held && isHidden ? 1 : 0) });
  }

  function pinUpToHere() {
    const place = sheet.columns.findIndex(({ key }) => key === chosen()?.key);
    if (place >= 0) sheet.setLayout({ pinned: place + 1 });
  }

  // What the table has

  function rename() {
    const column = chosen();
    if (!column) return;
    const { key, name } = column;
    askName({ title: "Rename the column", name, yes: "Rename" }, async (now) => {
      await sheet.undo.after(changed(key, { name: now }));
      sheet.undo.push({
        label: `the column ${name} was called ${now}`,
        undo: () => changed(key, { name }),
        redo: () => changed(key, { name: now }),
      });
    });
  }

  /** @param {string} key @param {Record<string, any>} changes */
  async function changed(key, changes) {
    await call("PATCH", `${sheet.base}/columns/${key}/`, changes);
    sheet.refresh();
  }

  async function remove() {
    const column = chosen();
    if (!column) return;
    const { key, name, group } = column;
    const siblings = sheet.schema.columns.filter((each) => group !== null && each.group === group);
    if (siblings.length === 1) return removeGroup(/** @type {number} */ (group));
    const drop = async () => {
      await call("DELETE", `${sheet.base}/columns/${key}/`);
      sheet.refresh();
    };
    await sheet.undo.after(drop());
    tell(`The column ${name} is deleted. Undo brings it back.`);
    sheet.undo.push({ label: `the column ${name} was deleted`, undo: () => restore(key), redo: drop });
  }

  /** @param {string} key */
  async function restore(key) {
    await call("POST", `${sheet.base}/columns/${key}/restore/`);
    sheet.refresh();
  }

  /** @param {number} id */
  async function removeGroup(id) {
    const name = sheet.group(id)?.name ?? "this workflow column";
    const outputs = sheet.schema.columns.filter(({ group }) => group === id).map((column) => column.name);
    const text = `What it filled goes with it, in every row: ${outputs.join(", ")}. This cannot be undone.`;
    const yes = await ask({ title: `Delete ${name}?`, text, yes: "Delete the workflow column", danger: true });
    if (!yes) return;
    await sheet.undo.after(call("DELETE", `${sheet.base}/groups/${id}/?columns=drop`));
    sheet.refresh();
  }

  // The menu, from the head, with the right button, and by key

  /** @param {number} place @returns {boolean} whether there is one */
  function openMenu(place) {
    sheet.grid.reveal({ row: sheet.selection.active.row, column: place });
    const key = sheet.grid.columns[place]?.key;
    const button = sheet.grid.head.querySelector(`[data-menu="column-menu"][data-key="${CSS.escape(key ?? "")}"]`);
    if (!(button instanceof HTMLElement)) return false;
    show(button);
    return true;
  }

  /** @param {string} name @param {(detail: any) => unknown} does */
  function on(name, does) {
    sheet.grid.addEventListener(name, (event) => does(/** @type {CustomEvent} */ (event).detail));
  }

  on("resize", ({ column, width }) => resize(column, width));
  on("fit", ({ column }) => fit(column));
  on("reorder", ({ from, to, before }) => {
    const keys = sheet.grid.columns.slice(from, to).map(({ key }) => key);
    attempt(() => move(keys, sheet.grid.columns[before]?.key ?? null));
  });
  register({
    "hide-column": () => hide(chosen()?.key ?? "", true),
    "pin-columns": pinUpToHere,
    "unpin-columns": () => sheet.setLayout({ pinned: 0 }),
    "show-columns": () => sheet.setLayout({ hidden: [] }),
    "fit-column": () => fit(sheet.columns.findIndex(({ key }) => key === chosen()?.key)),
    "rename-column": rename,
    "delete-column": remove,
    "delete-group": () => removeGroup(Number(opened().group)),
  });
  sheet.keymap.bind("Alt+ArrowDown", "Open the menu of the column", () => openMenu(sheet.selection.active.column));
  if (sheet.mayEdit) adder(sheet);
  return { move, hide, restore };
}

/** A button right of the last head. @param {import("./sheet.js").Sheet} sheet */
function adder({ grid }) {
  const button = make("button", { type: "button", class: "grid-add", tabindex: "-1", "aria-label": "Add a column" });
  button.dataset.menu = "add-menu";
  button.append(icon("plus"));
  grid.over.append(button);
  grid.beside = ADDER_PX;
  grid.addEventListener("drawn", () => {
    button.style.left = `${grid.across.total}px`;
    button.style.top = `${-grid.headHeight}px`;
    button.style.height = `${grid.headHeight}px`;
  });
}
