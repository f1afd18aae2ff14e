/**
 * The box that floats over the cell that is edited. It holds the grid's one field, which is there before anything is
 * typed, so that the first letter, a dead key or an input method's composition begins in it. What is said of the value,
 * and choices, stand below it on top of everything.
 */

/** How wide it is at least, by what kind of box it is. */
const LEAST_PX = { large: 420, choices: 240, dated: 200, open: 160 };
/** A text that is longer, or has lines, gets a larger box. */
const LONG_CHARACTERS = 60;
const TALLEST_PX = 260;
const GAP_PX = 2;

/** @typedef {{label: string, run: () => unknown}} Answer */

export class Overlay {
  /** @param {import("../../core/grid.js").Grid} grid */
  constructor(grid) {
    this.grid = grid;
    this.element = grid.editor;
    this.catcher = grid.catcher;
    /** @type {(() => import("../../core/selection.js").Place) | null} Where it is open. */
    this.where = null;
    /** The attributes of the catcher while nothing is edited. */
    this.idle = new Map(this.catcher.getAttributeNames().map((name) => [name, this.catcher.getAttribute(name) ?? ""]));
    this.below = Object.assign(document.createElement("div"), { className: "editor-below", popover: "manual" });
    this.list = document.createElement("div");
    this.note = document.createElement("div");
    this.note.className = "editor-note";
    this.below.append(this.list, this.note);
    this.element.append(this.below);
    /** Where and how large it was put last: while much is drawn elsewhere nothing is measured here. */
    this.put = "";
    grid.addEventListener("drawn", () => this.follow());
  }

  /**
   * @param {() => import("../../core/selection.js").Place} where
   * @param {string} label
   */
  open(where, label) {
    this.where = where;
    this.grid.isEditing = true;
    this.element.classList.add("open");
    for (const name of ["aria-activedescendant", "aria-controls", "aria-haspopup"]) this.catcher.removeAttribute(name);
    this.catcher.setAttribute("aria-label", label);
    this.below.showPopover();
    this.grid.reveal(where());
    this.place();
  }

  close() {
    this.where = null;
    this.grid.isEditing = false;
    this.below.hidePopover();
    this.list.replaceChildren();
    this.say("");
    this.catcher.value = "";
    this.catcher.readOnly = false;
    for (const name of this.catcher.getAttributeNames()) this.catcher.removeAttribute(name);
    for (const [name, value] of this.idle) this.catcher.setAttribute(name, value);
    this.grid.focus();
    for (const each of [...this.element.children]) if (each !== this.catcher && each !== this.below) each.remove();
    this.element.className = "grid-editor";
    this.element.removeAttribute("style");
    this.place();
    this.grid.draw();
  }

  /**
   * What is to be known of the value.
   *
   * @param {string} text
   * @param {Answer[]} [answers]
   */
  say(text, answers = []) {
    const said = Object.assign(document.createElement("p"), { textContent: text });
    said.setAttribute("role", "alert");
    const buttons = answers.map(({ label, run }) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
      button.className = "button small";
      button.addEventListener("click", () => run());
      return button;
    });
    this.note.replaceChildren(...(text ? [said, ...buttons] : []));
    this.catcher.toggleAttribute("aria-invalid", false);
    if (text) this.catcher.setAttribute("aria-invalid", "true");
    this.place();
  }

  /** Has what was said answered first. @returns {false} */
  ask() {
    this.note.querySelector("button")?.focus();
    return false;
  }

  /** Goes where its cell is by now. */
  follow() {
    const { grid } = this;
    const { top, left, width } = grid.rect(this.where?.() ?? grid.selection.active);
    const put = [top, left, width, grid.left, grid.width, grid.rows.viewport].join();
    if (put === this.put) return;
    this.put = put;
    this.place();
  }

  /** Puts the box where the cell is; when nothing is edited, the caret: there input methods show what they offer. */
  place() {
    const at = this.where?.() ?? this.grid.selection.active;
    if (at.column >= this.grid.columns.length) return;
    const { style } = this.element;
    const { top, left, width, height } = this.grid.rect(at);
    const { left: scrolled, across, pinned, rows } = this.grid;
    const room = { width: this.grid.width ?? 0, height: rows.viewport };
    const held = at.column < pinned ? 0 : across.held;
    const isSeen = top > -height && top < room.height && left - scrolled > held - width && left - scrolled < room.width;
    this.element.classList.toggle("out", this.where !== null && !isSeen);
    this.below.classList.toggle("out", !isSeen);
    if (!this.where || !isSeen) {
      style.top = `${clamp(top, 0, room.height - height)}px`;
      style.left = `${clamp(left, scrolled, scrolled + room.width - 1)}px`;
      return;
    }
    const wide = Math.min(Math.max(width, this.least), room.width - GAP_PX);
    style.width = `${wide}px`;
    this.grow(height, Math.min(TALLEST_PX, room.height - GAP_PX));
    const tall = this.element.offsetHeight;
    const x = Math.min(left, scrolled + Math.max(held, room.width - wide));
    style.left = `${x}px`;
    style.top = `${Math.min(top, Math.max(0, room.height - tall))}px`;
    // The head and the columns that stay are in front of it.
    style.clipPath = `inset(${Math.max(0, -top)}px -1rem -1rem ${Math.max(0, held - (x - scrolled))}px)`;
    this.placeBelow(wide);
  }

  get least() {
    const { classList } = this.element;
    const isLong = this.catcher.value.length > LONG_CHARACTERS || this.catcher.value.includes("\n");
    if (classList.contains("prose")) classList.toggle("large", isLong);
    return Object.entries(LEAST_PX).find(([name]) => classList.contains(name))?.[1] ?? 0;
  }

  /**
   * As tall as what is typed.
   *
   * @param {number} least
   * @param {number} most
   */
  grow(least, most) {
    const { style } = this.catcher;
    style.height = "0";
    const wanted = Math.max(this.catcher.scrollHeight, least - 2 * GAP_PX);
    style.height = `${Math.min(wanted, most)}px`;
    style.overflowY = wanted > most ? "auto" : "hidden";
  }

  /** @param {number} width */
  placeBelow(width) {
    const { below } = this;
    const box = this.element.getBoundingClientRect();
    below.style.minWidth = `${width}px`;
    const { offsetHeight: tall, offsetWidth: wide } = below;
    const fits = box.bottom + tall + GAP_PX <= innerHeight || box.top < tall + GAP_PX;
    below.style.left = `${clamp(box.left, 0, innerWidth - wide)}px`;
    below.style.top = `${fits ? box.bottom + GAP_PX : box.top - tall - GAP_PX}px`;
  }
}

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
function clamp(value, least, most) {
  return Math.max(least, Math.min(value, most));
}
