/**
 * The heads of columns: a press selects the column, dragging the right edge resizes it, dragging the head moves it; the
 * neighbours of one group move together. What becomes of it is for whoever listens: `resize`, `reorder`.
 */

const LEAST_PX = 48;
const MOST_PX = 1200;
/** A press that moved so far is a drag. */
const DRAG_PX = 6;
const HANDLE_PX = 6;

/** @param {import("./grid.js").Grid} grid */
export function heads(grid) {
  const { head, selection } = grid;
  const marker = document.createElement("div");
  marker.className = "grid-drop";
  marker.hidden = true;
  grid.over.append(marker);

  head.addEventListener("pointermove", (event) => {
    head.classList.toggle("resizing", edgeAt(event) !== null);
  });

  head.addEventListener("pointerdown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.button !== 0 || target.closest("button, input, a")) return;
    const column = edgeAt(event);
    const at = target.closest("[data-from]");
    event.preventDefault();
    grid.focus();
    if (column !== null) resize(event, column);
    else if (at instanceof HTMLElement) drag(event, Number(at.dataset.from), Number(at.dataset.to));
  });

  head.addEventListener("dblclick", (event) => {
    const column = edgeAt(event);
    if (column !== null) grid.dispatchEvent(new CustomEvent("fit", { detail: { column } }));
  });

  /**
   * The column whose right edge is there.
   *
   * @param {MouseEvent} event
   * @returns {number | null}
   */
  function edgeAt(event) {
    const x = event.clientX - grid.scroller.getBoundingClientRect().left;
    for (const near of [x - HANDLE_PX, x + HANDLE_PX]) {
      const column = grid.across.at(near, grid.left);
      if (column < 0 || column >= grid.columns.length) continue;
      const right = grid.across.lefts[column + 1] - (column < grid.pinned ? 0 : grid.left);
      if (Math.abs(right - x) <= HANDLE_PX) return column;
    }
    return null;
  }

  /**
   * @param {PointerEvent} event
   * @param {number} column
   */
  function resize(event, column) {
    const { width } = grid.columns[column];
    const start = event.clientX;
    let now = width;
    capture(event, {
      move(to) {
        now = Math.min(Math.max(width + to.clientX - start, LEAST_PX), MOST_PX);
        grid.setWidth(column, now);
      },
      end() {
        if (now !== width) grid.dispatchEvent(new CustomEvent("resize", { detail: { column, width: now } }));
      },
    });
  }

  /**
   * @param {PointerEvent} event
   * @param {number} from
   * @param {number} to the one after the last
   */
  function drag(event, from, to) {
    const [start, unit] = [event.clientX, unitOf(from, to)];
    /** @type {number | null} */
    let before = null;
    capture(event, {
      move(at) {
        if (before === null && Math.abs(at.clientX - start) < DRAG_PX) return;
        before = gapAt(at.clientX);
        show(before);
      },
      end() {
        marker.hidden = true;
        if (before === null) selectColumns(from, to, event.shiftKey);
        else if (before < unit.from || before > unit.to) {
          grid.dispatchEvent(new CustomEvent("reorder", { detail: { ...unit, before } }));
        }
      },
    });
  }

  /**
   * What moves together: a column, or the neighbours that one group fills.
   *
   * @param {number} from
   * @param {number} to
   */
  function unitOf(from, to) {
    const { group } = grid.columns[from];
    const unit = { from, to };
    if (group === null) return unit;
    while (unit.from > 0 && grid.columns[unit.from - 1].group === group) unit.from--;
    while (unit.to < grid.columns.length && grid.columns[unit.to].group === group) unit.to++;
    return unit;
  }

  /**
   * The gap between columns that is nearest, not inside of a group.
   *
   * @param {number} x
   */
  function gapAt(x) {
    const place = x - grid.scroller.getBoundingClientRect().left;
    const column = Math.max(0, grid.across.at(place, grid.left));
    if (column >= grid.columns.length) return grid.columns.length;
    const unit = unitOf(column, column + 1);
    const left = grid.across.lefts[unit.from] - (unit.from < grid.pinned ? 0 : grid.left);
    const right = grid.across.lefts[unit.to] - (unit.to - 1 < grid.pinned ? 0 : grid.left);
    return place < (left + right) / 2 ? unit.from : unit.to;
  }

  /** @param {number} before */
  function show(before) {
    const isPinned = before <= grid.pinned && before < grid.columns.length;
    marker.style.left = `${grid.across.lefts[before] + (isPinned ? grid.left : 0)}px`;
    marker.style.top = `${-grid.headHeight}px`;
    marker.style.height = `${grid.scroller.clientHeight}px`;
    marker.hidden = false;
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {boolean} isMore
   */
  function selectColumns(from, to, isMore) {
    const bottom = Math.max(0, grid.source.count - 1);
    const { left, right } = selection.range;
    const all = isMore ? { left: Math.min(left, from), right: Math.max(right, to - 1) } : { left: from, right: to - 1 };
    selection.select({ top: 0, bottom, ...all });
  }

  /**
   * Follows the pointer until it is let go.
   *
   * @param {PointerEvent} event
   * @param {{move: (event: PointerEvent) => void, end: () => void}} does
   */
  function capture(event, { move, end }) {
    const stop = new AbortController();
    head.setPointerCapture(event.pointerId);
    head.addEventListener("pointermove", move, { signal: stop.signal });
    for (const name of ["pointerup", "pointercancel"]) {
      head.addEventListener(
        name,
        () => {
          stop.abort();
          end();
        },
        { signal: stop.signal },
      );
    }
  }
}
