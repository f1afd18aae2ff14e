/**
 * The pointer in the cells: a press makes a cell the active one, with Shift it extends the range, dragging too, also
 * past the edges; in the gutter it chooses rows. Places are found by coordinates: under a captured pointer events name
 * another element.
 */

import { same } from "./selection.js";

const EDGE_PX = 24;
const EDGE_STEP_PX = 16;
/** What does something by itself when it is pressed. */
const OWN = "a, button, input, select, textarea, summary, [data-act], .grid-editor";

/** @param {import("./grid.js").Grid} grid */
export function pointer(grid) {
  const { scroller, selection } = grid;
  /**
   * @type {{kind: "cells" | "rows", on: boolean, from: number, to: number, isFree: boolean, x: number, y: number} | null}
   * `isFree`: it began among the columns that are scrolled, so their left edge is one that can be passed
   */
  let drag = null;
  let isFollowing = false;
  /** @type {number | null} The row that was chosen last: where a range with Shift begins. */
  let anchor = null;

  scroller.addEventListener("pointerdown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.button !== 0 || target.closest(".grid-editor")) return;
    const place = grid.at(event.clientX, event.clientY);
    if (place.part === "head" || isScrollBar(event)) return;
    const isOwn = target.closest(OWN) !== null;
    if (place.part === "cell") press(event, place);
    if (place.part === "gutter" && !isOwn) pressGutter(event, place.row);
    if (isOwn) return;
    event.preventDefault(); // the focus stays in the grid's one field
    grid.focus();
    if (drag) scroller.setPointerCapture(event.pointerId);
  });

  scroller.addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.x = event.clientX;
    drag.y = event.clientY;
    follow();
  });

  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    scroller.addEventListener(name, () => {
      drag = null;
    });
  }

  scroller.addEventListener("dblclick", (event) => {
    const place = grid.at(event.clientX, event.clientY);
    if (place.part === "cell" && !(/** @type {Element} */ (event.target).closest(OWN))) tell("open", place);
  });

  scroller.addEventListener("contextmenu", (event) => {
    const place = grid.at(event.clientX, event.clientY);
    if (place.part === "beside" || /** @type {Element} */ (event.target).closest(".grid-editor")) return;
    event.preventDefault();
    if (place.part === "cell" && !selection.covers(place)) selection.move(place);
    tell("menu", { ...place, x: event.clientX, y: event.clientY });
  });

  /**
   * @param {PointerEvent} event
   * @param {import("./selection.js").Place} place
   */
  function press(event, place) {
    if (event.shiftKey) selection.extend(place);
    else selection.move(place);
    const isFree = place.column >= grid.pinned;
    drag = { kind: "cells", on: true, from: place.row, to: place.row, isFree, x: event.clientX, y: event.clientY };
  }

  /**
   * @param {PointerEvent} event
   * @param {number} row
   */
  function pressGutter(event, row) {
    const id = grid.source.row(row)?.id;
    if (id === undefined) return;
    const on = event.shiftKey && anchor !== null ? true : !selection.hasRow(id);
    const from = event.shiftKey && anchor !== null ? anchor : row;
    drag = { kind: "rows", on, from, to: row, isFree: false, x: event.clientX, y: event.clientY };
    choose(from, row, on);
    anchor = row;
  }

  /**
   * Rows from one to another. Those that are not here yet are asked for by whoever listens.
   *
   * @param {number} one
   * @param {number} other
   * @param {boolean} on
   */
  function choose(one, other, on) {
    const [from, to] = [Math.min(one, other), Math.max(one, other) + 1];
    tell("choose", { from, to, on });
  }

  function onward() {
    isFollowing = false;
    follow();
  }

  function follow() {
    if (!drag) return;
    const box = scroller.getBoundingClientRect();
    const down = past(drag.y, box.top + grid.headHeight, box.bottom);
    const right = drag.kind === "rows" ? 0 : past(drag.x, drag.isFree ? box.left + grid.across.held : -1, box.right);
    if (down || right) {
      grid.scrollTo(grid.top + down * EDGE_STEP_PX, grid.left + right * EDGE_STEP_PX);
      if (!isFollowing) requestAnimationFrame(onward);
      isFollowing = true;
    }
    const place = grid.at(drag.x, drag.y);
    if (drag.kind === "cells") {
      if (!same(place, selection.head)) selection.extend(place);
    } else if (place.row !== drag.to) {
      drag.to = place.row;
      choose(drag.from, place.row, drag.on);
    }
  }

  /**
   * @param {string} name
   * @param {object} detail
   */
  function tell(name, detail) {
    grid.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {PointerEvent} event */
  function isScrollBar(event) {
    const box = scroller.getBoundingClientRect();
    return event.clientX > box.left + scroller.clientWidth || event.clientY > box.top + scroller.clientHeight;
  }
}

/**
 * Which way a point is out of two edges, or so near that one wants to see more.
 *
 * @param {number} at
 * @param {number} low
 * @param {number} high
 */
function past(at, low, high) {
  if (at < low) return -1;
  return at > high - EDGE_PX ? 1 : 0;
}
