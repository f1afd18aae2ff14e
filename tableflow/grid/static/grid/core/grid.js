/**
 * A grid of rows and columns of which only what is seen exists: a pool of row elements that are used again and again,
 * and in each only the columns that are seen. It knows neither the server nor what a cell means: a source gives rows, a
 * painter draws cells. Everything that changes is drawn once, in the next frame. What floats over the cells, such as an
 * editor, is in a layer of its own: no update can touch it.
 */

import { ColumnsGeometry, RowsGeometry } from "./geometry.js";
import { Selection } from "./selection.js";

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} name
 * @property {number} width in pixels
 * @property {number | null} group neighbours of one group have a common head
 */
/**
 * @typedef {object} Source
 * @property {number} count
 * @property {(index: number) => any} row undefined: not here yet
 * @property {(from: number, to: number) => void} want
 */
/**
 * @typedef {object} Cell
 * @property {HTMLElement} element
 * @property {number} column
 * @property {any} drawn for the painter: what it has drawn
 */
/**
 * @typedef {object} Painter
 * @property {(cell: Cell, row: any, column: any) => void} cell
 * @property {(gutter: HTMLElement, row: any, index: number, isChosen: boolean) => void} gutter
 * @property {(head: HTMLElement, column: any) => void} head
 * @property {(head: HTMLElement, columns: any[]) => void} band the common head of neighbours of one group
 * @property {(corner: HTMLElement) => void} corner
 */
/**
 * @typedef {object} Slot a row element of the pool
 * @property {HTMLElement} element
 * @property {HTMLElement} pins
 * @property {HTMLElement} gutter
 * @property {Map<number, Cell>} cells by column
 * @property {number} index -1: it shows no row
 * @property {boolean} isFresh nothing changed since it was drawn
 */

const ROW_PX = 32;
const MOST_SLOTS = 150;
const SPARE_ROWS = 2;
const DIGIT_PX = 8;
const GUTTER_PX = 56;
const LEAST_DIGITS = 3;

let grids = 0;

/** @param {string} className @param {string} [role] */
function div(className, role) {
  const element = document.createElement("div");
  element.className = className;
  if (role) element.setAttribute("role", role);
  return element;
}

export class Grid extends EventTarget {
  scroller = div("grid-scroller");
  canvas = div("grid-canvas");
  over = div("grid-over");
  element = div("grid", "grid");
  head = div("grid-head", "rowgroup");
  layer = div("grid-layer", "rowgroup");
  catcher = document.createElement("textarea");
  editor = div("grid-editor");

  /**
   * @param {HTMLElement} host has a height of its own
   * @param {Source} source
   * @param {Painter} painter
   * @param {string} label
   */
  constructor(host, source, painter, label) {
    super();
    this.source = source;
    this.painter = painter;
    this.id = `grid-${++grids}`;
    this.selection = new Selection();
    /** @type {any[]} */
    this.columns = [];
    this.pinned = 0;
    this.top = 0;
    this.left = 0;
    /** How wide the part is that is seen. */
    this.width = 0;
    /** @type {Slot[]} */
    this.slots = [];
    this.frame = 0;
    /** Whether an editor has the grid's one field: then it says what the field is. */
    this.isEditing = false;
    /** Room right of the last column. */
    this.beside = 0;
    /** How far the head reaches down: one line, or two where there are groups. */
    this.headHeight = ROW_PX;
    this.build(host, label);
    this.rows = new RowsGeometry(0, ROW_PX, 0);
    this.across = new ColumnsGeometry([], 0, this.gutterWidth());
    this.selection.addEventListener("change", () => this.selected());
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.scroller.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    new ResizeObserver(() => this.measure()).observe(this.scroller);
  }

  /** @param {HTMLElement} host @param {string} label */
  build(host, label) {
    this.element.id = this.id;
    this.element.tabIndex = -1;
    this.element.setAttribute("aria-label", label);
    this.element.setAttribute("aria-multiselectable", "true");
    this.catcher.className = "grid-catcher";
    this.catcher.setAttribute("aria-label", label);
    this.catcher.setAttribute("aria-controls", this.id);
    this.catcher.setAttribute("aria-haspopup", "grid");
    this.catcher.rows = 1;
    this.catcher.autocapitalize = "off";
    this.catcher.spellcheck = false;
    this.editor.append(this.catcher);
    this.over.append(this.editor);
    this.element.append(this.head, this.layer);
    this.canvas.append(this.over, this.element);
    this.scroller.append(this.canvas);
    host.append(this.scroller);
    // Whoever brings the focus to the grid types into its one field.
    this.element.addEventListener("focus", () => this.focus());
  }

  /** The one element of the grid that has the focus. */
  focus() {
    this.catcher.focus({ preventScroll: true });
  }

  /**
   * @param {any[]} columns each a Column, and whatever the painter wants
   * @param {number} pinned how many of the first ones stay when the others are scrolled
   */
  setColumns(columns, pinned) {
    this.columns = columns;
    this.pinned = Math.min(pinned, columns.length);
    this.drawHead();
    for (const slot of this.slots) this.strip(slot);
    this.measure();
    this.selection.clamp(this.source.count, columns.length);
  }

  /**
   * Other widths of the columns that are there.
   *
   * @param {number} column
   * @param {number} width in pixels
   */
  setWidth(column, width) {
    this.columns[column].width = width;
    this.measure();
    this.placeHead();
    for (const slot of this.slots) for (const cell of slot.cells.values()) this.placeCell(cell);
  }

  /** Everything may look different. */
  refresh() {
    for (const slot of this.slots) slot.isFresh = false;
    if (this.rows.count !== this.source.count) this.measure();
    this.draw();
  }

  /** Draws in the next frame. */
  draw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.render();
    });
  }

  gutterWidth() {
    return GUTTER_PX + Math.max(LEAST_DIGITS, String(this.source.count).length) * DIGIT_PX;
  }

  /** The sizes are other ones. */
  measure() {
    const { clientHeight, clientWidth } = this.scroller;
    const { count } = this.source;
    this.rows = new RowsGeometry(count, ROW_PX, Math.max(0, clientHeight - this.headHeight));
    this.across = new ColumnsGeometry(
      this.columns.map(({ width }) => width),
      this.pinned,
      this.gutterWidth(),
    );
    this.width = clientWidth;
    this.canvas.style.height = `${this.rows.spacer + this.headHeight}px`;
    this.canvas.style.width = `${this.across.total + this.beside}px`;
    this.element.setAttribute("aria-rowcount", String(count + this.headRows));
    this.element.setAttribute("aria-colcount", String(this.columns.length + 1));
    this.top = this.rows.clamp(this.top);
    this.placeHead();
    this.fill();
    for (const slot of this.slots) this.layOut(slot);
    this.draw();
  }

  /** As many row elements as are seen at once. A host without a height of its own would ask for ever more. */
  fill() {
    const wanted = Math.min(Math.ceil(this.rows.viewport / ROW_PX) + SPARE_ROWS, MOST_SLOTS);
    while (this.slots.length < wanted) this.slots.push(this.slot());
    for (const slot of this.slots.splice(wanted)) slot.element.remove();
  }

  /** @returns {Slot} */
  slot() {
    const element = div("grid-row", "row");
    const pins = div("grid-pins", "none");
    const gutter = div("grid-gutter", "rowheader");
    gutter.setAttribute("aria-colindex", "1");
    pins.append(gutter);
    element.append(pins);
    element.hidden = true;
    this.layer.append(element);
    const slot = { element, pins, gutter, cells: new Map(), index: -1, isFresh: false };
    this.layOut(slot);
    return slot;
  }

  /** @param {Slot} slot */
  layOut({ element, pins, gutter }) {
    element.style.width = `${this.across.total}px`;
    pins.style.width = `${this.across.held}px`;
    gutter.style.width = `${this.across.gutter}px`;
  }

  /** Without cells: the columns are others. @param {Slot} slot */
  strip(slot) {
    for (const { element } of slot.cells.values()) element.remove();
    slot.cells.clear();
    slot.isFresh = false;
  }

  render() {
    const { rows, across, top, slots } = this;
    const [first, end] = rows.seen(top);
    const [left, right] = across.seen(this.left, this.width);
    const used = new Set();
    for (let index = first; index < end && used.size < slots.length; index++) {
      const slot = slots[index % slots.length];
      used.add(slot);
      this.show(slot, index, left, right);
    }
    for (const slot of slots) if (!used.has(slot)) this.hide(slot);
    const active = this.isEditing ? undefined : this.cellOf(this.selection.active);
    if (active) this.catcher.setAttribute("aria-activedescendant", active.element.id);
    else if (!this.isEditing) this.catcher.removeAttribute("aria-activedescendant");
    this.source.want(first, end);
    this.dispatchEvent(new Event("drawn"));
  }

  /**
   * @param {Slot} slot
   * @param {number} index
   * @param {number} left
   * @param {number} right
   */
  show(slot, index, left, right) {
    const isOther = slot.index !== index;
    slot.element.style.transform = `translateY(${index * ROW_PX - this.top}px)`;
    if (isOther) {
      slot.index = index;
      slot.element.hidden = false;
    }
    const hasMoved = this.window(slot, left, right, isOther);
    if (slot.isFresh && !isOther && !hasMoved) return;
    slot.isFresh = true;
    // Also a row that stays has another number when the head gets another line.
    slot.element.setAttribute("aria-rowindex", String(index + 1 + this.headRows));
    const row = this.source.row(index);
    const isChosen = row !== undefined && this.selection.hasRow(row.id);
    slot.element.toggleAttribute("aria-busy", row === undefined);
    slot.element.setAttribute("aria-selected", String(isChosen));
    slot.element.classList.toggle("chosen", isChosen);
    this.painter.gutter(slot.gutter, row, index, isChosen);
    for (const cell of slot.cells.values()) {
      this.painter.cell(cell, row, this.columns[cell.column]);
      this.mark(cell, index);
    }
  }

  /** @param {Slot} slot */
  hide(slot) {
    if (slot.index < 0) return;
    slot.index = -1;
    slot.element.hidden = true;
    slot.element.removeAttribute("aria-rowindex");
    for (const { element } of slot.cells.values()) element.removeAttribute("id");
  }

  /**
   * The columns that are seen; elements of columns that are not are used again.
   *
   * @param {Slot} slot
   * @param {number} left
   * @param {number} right
   * @param {boolean} isOther the slot shows another row than before
   * @returns {boolean} whether there are others than before
   */
  window(slot, left, right, isOther) {
    const { cells } = slot;
    /** @type {Cell[]} */
    const spare = [];
    for (const [column, cell] of cells) {
      if (column < this.pinned || (column >= left && column < right)) continue;
      spare.push(cell);
      cells.delete(column);
    }
    let hasMoved = spare.length > 0;
    const show = (/** @type {number} */ column) => {
      let cell = cells.get(column);
      if (!cell) {
        cell = (column < this.pinned ? undefined : spare.pop()) ?? this.cell(slot, column);
        cell.column = column;
        cells.set(column, cell);
        this.placeCell(cell);
        hasMoved = true;
      } else if (!isOther) return;
      cell.element.id = `${this.id}-${slot.index}-${column}`;
    };
    for (let column = 0; column < this.pinned; column++) show(column);
    for (let column = left; column < right; column++) show(column);
    for (const { element } of spare) element.remove();
    return hasMoved;
  }

  /**
   * @param {Slot} slot
   * @param {number} column
   * @returns {Cell}
   */
  cell(slot, column) {
    const element = div("grid-cell", "gridcell");
    (column < this.pinned ? slot.pins : slot.element).append(element);
    return { element, column, drawn: null };
  }

  /** @param {Cell} cell */
  placeCell({ element, column }) {
    element.style.left = `${this.across.lefts[column]}px`;
    element.style.width = `${this.across.widths[column]}px`;
    element.setAttribute("aria-colindex", String(column + 2));
  }

  /**
   * @param {Cell} cell
   * @param {number} row
   */
  mark({ element, column }, row) {
    const { selection } = this;
    const isActive = selection.active.row === row && selection.active.column === column;
    const isIn = selection.covers({ row, column });
    element.classList.toggle("active", isActive);
    element.classList.toggle("in-range", isIn && !selection.isSingle);
    element.setAttribute("aria-selected", String(isIn));
  }

  /** @param {import("./selection.js").Place} place @returns {Cell | undefined} undefined where it is not seen */
  cellOf({ row, column }) {
    const slot = this.slots.length ? this.slots[row % this.slots.length] : undefined;
    return slot?.index === row ? slot.cells.get(column) : undefined;
  }

  // The head

  get headRows() {
    return this.headHeight / ROW_PX;
  }

  drawHead() {
    const hasBands = this.columns.some(({ group }) => group !== null);
    this.headHeight = hasBands ? 2 * ROW_PX : ROW_PX;
    this.over.style.top = `${this.headHeight}px`;
    this.layer.style.top = `${this.headHeight}px`;
    this.head.style.height = `${this.headHeight}px`;
    this.head.replaceChildren(
      ...(hasBands ? [this.headRow(1, true), this.headRow(2, false)] : [this.headRow(1, false)]),
    );
  }

  /**
   * A line of the head: the common heads of groups, or the columns'. A plain column has one cell over both lines.
   *
   * @param {number} number
   * @param {boolean} isBand
   */
  headRow(number, isBand) {
    const line = div("grid-head-row", "row");
    const pins = div("grid-pins", "none");
    line.setAttribute("aria-rowindex", String(number));
    line.append(pins);
    if (number === 1) {
      const corner = div("grid-gutter grid-corner", "columnheader");
      corner.setAttribute("aria-colindex", "1");
      if (isBand) corner.setAttribute("aria-rowspan", "2");
      this.painter.corner(corner);
      pins.append(corner);
    }
    for (const span of this.spans(isBand)) {
      const isPlain = this.columns[span.from].group === null;
      const head = div(isBand && !isPlain ? "grid-band" : "grid-column-head", "columnheader");
      head.dataset.from = String(span.from);
      head.dataset.to = String(span.to);
      head.setAttribute("aria-colindex", String(span.from + 2));
      if (span.to - span.from > 1) head.setAttribute("aria-colspan", String(span.to - span.from));
      if (isBand && isPlain) head.setAttribute("aria-rowspan", "2");
      if (isBand && !isPlain) this.painter.band(head, this.columns.slice(span.from, span.to));
      else this.painter.head(head, this.columns[span.from]);
      (span.from < this.pinned ? pins : line).append(head);
    }
    return line;
  }

  /**
   * @param {boolean} isBand
   * @returns {{from: number, to: number}[]} neighbours of one group, or each column by itself
   */
  spans(isBand) {
    /** @type {{from: number, to: number}[]} */
    const found = [];
    this.columns.forEach(({ group }, column) => {
      const last = found.at(-1);
      const joins =
        isBand && last && group !== null && this.columns[last.from].group === group && column !== this.pinned;
      if (joins) last.to = column + 1;
      else found.push({ from: column, to: column + 1 });
    });
    // In the lower line there are only the columns of groups.
    return isBand || this.headHeight === ROW_PX ? found : found.filter(({ from }) => this.columns[from].group !== null);
  }

  placeHead() {
    const { lefts, held, gutter, total } = this.across;
    for (const line of /** @type {HTMLCollectionOf<HTMLElement>} */ (this.head.children))
      line.style.width = `${total}px`;
    for (const pins of /** @type {NodeListOf<HTMLElement>} */ (this.head.querySelectorAll(".grid-pins"))) {
      pins.style.width = `${held}px`;
    }
    const corner = /** @type {HTMLElement | null} */ (this.head.querySelector(".grid-corner"));
    if (corner) corner.style.width = `${gutter}px`;
    for (const head of /** @type {NodeListOf<HTMLElement>} */ (this.head.querySelectorAll("[data-from]"))) {
      const [from, to] = [Number(head.dataset.from), Number(head.dataset.to)];
      head.style.left = `${lefts[from]}px`;
      head.style.width = `${lefts[to] - lefts[from]}px`;
    }
  }

  // Scrolling

  scrolled() {
    const { scrollTop, scrollLeft } = this.scroller;
    // Where pixels of the scroll bar stand for many of the table, the finer place that was set stays.
    if (Math.abs(scrollTop - this.top / this.rows.scale) > 1) this.top = this.rows.clamp(scrollTop * this.rows.scale);
    else if (this.rows.scale === 1) this.top = this.rows.clamp(scrollTop);
    this.left = scrollLeft;
    this.draw();
  }

  /** @param {WheelEvent} event */
  wheeled(event) {
    if (this.rows.scale === 1 || event.ctrlKey || event.shiftKey || !event.deltaY) return;
    event.preventDefault();
    const unit = [1, ROW_PX, this.rows.viewport][event.deltaMode];
    this.scrollTo(this.top + event.deltaY * unit, this.left + event.deltaX * unit);
  }

  /**
   * @param {number} top
   * @param {number} left
   */
  scrollTo(top, left) {
    this.top = this.rows.clamp(top);
    this.scroller.scrollTop = this.top / this.rows.scale;
    this.scroller.scrollLeft = left;
    this.left = this.scroller.scrollLeft;
    this.draw();
  }

  /** @param {import("./selection.js").Place} place */
  reveal({ row, column }) {
    const top = this.rows.revealed(row, this.top);
    const left = this.across.revealed(column, this.left, this.scroller.clientWidth);
    if (top !== this.top || left !== this.left) this.scrollTo(top, left);
  }

  /** Makes a cell the active one, and has it seen. @param {import("./selection.js").Place} place */
  goTo(place) {
    this.selection.move(place);
    this.reveal(place);
  }

  /** How many rows a page key moves. */
  get pageRows() {
    return Math.max(1, Math.floor(this.rows.viewport / ROW_PX) - 1);
  }

  // Places

  /**
   * What is at a point of the window, by its coordinates: under a captured pointer events name another element.
   *
   * @param {number} x
   * @param {number} y
   * @returns {{part: "head" | "gutter" | "cell" | "beside", row: number, column: number}} rows and columns are those
   *   next to the point where it is outside
   */
  at(x, y) {
    const box = this.scroller.getBoundingClientRect();
    const down = y - box.top - this.headHeight;
    const column = this.across.at(x - box.left, this.scroller.scrollLeft); // cells have moved before it is told
    const row = Math.floor((down + this.top) / ROW_PX);
    const isBeside = row >= this.rows.count || column >= this.columns.length;
    const part = down < 0 ? "head" : isBeside ? "beside" : column < 0 ? "gutter" : "cell";
    return {
      part,
      row: Math.max(0, Math.min(row, this.rows.count - 1)),
      column: Math.max(0, Math.min(column, this.columns.length - 1)),
    };
  }

  /**
   * Where a cell is, in the layer that floats over the cells.
   *
   * @param {import("./selection.js").Place} place
   */
  rect({ row, column }) {
    const left = this.across.lefts[column] + (column < this.pinned ? this.left : 0);
    return { left, top: row * ROW_PX - this.top, width: this.across.widths[column], height: ROW_PX };
  }

  /** Where a cell is in the window. @param {import("./selection.js").Place} place */
  boxOf(place) {
    const box = this.scroller.getBoundingClientRect();
    const { left, top, width, height } = this.rect(place);
    return new DOMRect(box.left + left - this.left, box.top + this.headHeight + top, width, height);
  }

  selected() {
    for (const slot of this.slots) slot.isFresh = false;
    this.draw();
    this.dispatchEvent(new Event("select"));
  }
}
