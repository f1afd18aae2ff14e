/**
 * Draws what the server says of a cell: pill, stale mark, value, and what stands beside. Elements that are there are
 * changed, not replaced; what is drawn already is not touched.
 */

import { many } from "../words.js";
import { Reveal } from "./reveal.js";
import { NOTHING, shown } from "./values.js";

/** @typedef {import("../core/store.js").Row} Row */
/** @typedef {import("../core/store.js").Face} Face */
/** @typedef {import("../core/grid.js").Cell} Cell */
/** @typedef {import("./values.js").Column} Column */
/**
 * @typedef {object} Drawn what a cell shows now
 * @property {number | undefined} row the id
 * @property {string} key
 * @property {string} kind of its face
 * @property {string} text
 * @property {HTMLElement | null} value
 * @property {HTMLElement | null} pill
 * @property {HTMLElement | null} mark
 * @property {HTMLElement | null} detail
 */

const WHY_STALE = "Made of other values than the row has now, or by another version of the workflow";
/** States in which something goes on in a cell. */
export const BUSY = ["pending", "queued", "running", "paused"];
const TITLED_CHARACTERS = 12;
/** @type {Face} */
const NO_FACE = {};

/** @param {string} className */
function span(className) {
  return Object.assign(document.createElement("span"), { className });
}

/** @param {Cell} cell @returns {Drawn} */
function drawnOf(cell) {
  cell.drawn ??= { row: undefined, key: "", kind: "", text: "", value: null, pill: null, mark: null, detail: null };
  return cell.drawn;
}

export class Painter {
  /** @param {import("./sheet.js").Sheet} sheet */
  constructor(sheet) {
    this.sheet = sheet;
    this.reveal = new Reveal();
  }

  /**
   * @param {Cell} cell
   * @param {Row | undefined} row
   * @param {Column} column
   */
  cell(cell, row, column) {
    const drawn = drawnOf(cell);
    const isSame = drawn.row !== undefined && drawn.row === row?.id && drawn.key === column.key;
    const face = row?.faces?.[column.key] ?? NO_FACE;
    const what = row ? shown(column, row.values[column.key]) : NOTHING;
    const kind = face.kind ?? (what.text || what.tags ? "value" : "blank");
    const className = `grid-cell ${row ? what.kind : "loading"}${face.dimmed ? " dimmed" : ""}`;
    const { element } = cell;
    for (const mark of ["active", "in-range"]) element.classList.contains(mark) && element.classList.remove(mark);
    if (element.className !== className) element.className = className;
    if (element.dataset.face !== kind) element.dataset.face = kind;
    if (column.group !== null) element.setAttribute("aria-readonly", "true");
    else element.removeAttribute("aria-readonly");
    this.pill(element, drawn, face);
    this.stale(element, drawn, face);
    this.value(element, drawn, what, isSame && column.group !== null);
    this.detail(element, drawn, kind === "value" ? "" : (face.detail ?? ""));
    const title = face.detail || titleOf(what);
    if (element.title !== title) element.title = title;
    if (isSame && kind === "value" && BUSY.includes(drawn.kind)) this.reveal.land(element);
    drawn.row = row?.id;
    drawn.key = column.key;
    drawn.kind = kind;
  }

  /** @param {HTMLElement} element @param {Drawn} drawn @param {Face} face */
  pill(element, drawn, face) {
    if (!face.pill) {
      drawn.pill?.remove();
      drawn.pill = null;
      return;
    }
    if (!drawn.pill) {
      drawn.pill = span("");
      element.prepend(drawn.pill);
    }
    const { pill } = drawn;
    const className = `pill ${face.tone ?? ""}`;
    if (pill.className !== className) pill.className = className;
    if (pill.textContent !== face.pill) pill.textContent = face.pill;
    if (face.ran) pill.dataset.act = "trace";
    else delete pill.dataset.act;
  }

  /** @param {HTMLElement} element @param {Drawn} drawn @param {Face} face */
  stale(element, drawn, face) {
    if (!face.stale) {
      drawn.mark?.remove();
      drawn.mark = null;
    } else if (!drawn.mark) {
      drawn.mark = Object.assign(span("pill stale"), { textContent: "Stale", title: WHY_STALE });
      element.insertBefore(drawn.mark, drawn.value);
    }
  }

  /**
   * @param {HTMLElement} element
   * @param {Drawn} drawn
   * @param {import("./values.js").Shown} what
   * @param {boolean} isLive the same cell was seen before: new text is revealed
   */
  value(element, drawn, what, isLive) {
    const written = `${what.kind}\n${what.href ?? ""}\n${what.tags ? what.tags.join("\n") : what.text}`;
    if (drawn.text === written) return;
    const hadText = drawn.text;
    drawn.text = written;
    const node = what.text || what.tags || what.kind === "check" ? this.node(what, drawn.value) : null;
    if (node !== drawn.value) {
      this.reveal.stop(drawn.value);
      drawn.value?.remove();
      drawn.value = node;
      if (node) element.insertBefore(node, drawn.detail);
    }
    if (!node || what.tags || what.kind === "check") return;
    if (isLive && what.kind === "text" && hadText) this.reveal.start(node, what.text);
    else {
      this.reveal.stop(node);
      if (node.textContent !== what.text) node.textContent = what.text;
    }
  }

  /**
   * @param {import("./values.js").Shown} what
   * @param {HTMLElement | null} before the element that is there
   * @returns {HTMLElement}
   */
  node(what, before) {
    if (what.kind === "link") {
      const link = before instanceof HTMLAnchorElement ? before : document.createElement("a");
      link.className = "value";
      link.href = what.href ?? "";
      link.rel = "noopener noreferrer nofollow";
      link.target = "_blank";
      link.tabIndex = -1;
      return link;
    }
    const node = before && !(before instanceof HTMLAnchorElement) ? before : span("");
    if (what.kind === "check") return this.check(node, what.text);
    if (what.tags) {
      node.className = "tags";
      node.replaceChildren(...what.tags.map((tag) => Object.assign(span("tag"), { textContent: tag })));
    } else if (node.className !== "value") {
      node.className = "value";
      node.replaceChildren();
      node.removeAttribute("role");
    }
    return node;
  }

  /**
   * @param {HTMLElement} node
   * @param {string} said
   */
  check(node, said) {
    node.className = `box ${said}`;
    node.textContent = { true: "Yes", false: "No" }[said] ?? "";
    return node;
  }

  /** @param {HTMLElement} element @param {Drawn} drawn @param {string} said */
  detail(element, drawn, said) {
    if (!said) {
      drawn.detail?.remove();
      drawn.detail = null;
      return;
    }
    if (!drawn.detail) {
      drawn.detail = span("detail");
      element.append(drawn.detail);
    }
    if (drawn.detail.textContent !== said) drawn.detail.textContent = said;
  }

  /**
   * The number of a row; what can be done with it shows under the pointer.
   *
   * @param {HTMLElement} gutter
   * @param {Row | undefined} row
   * @param {number} index
   * @param {boolean} isChosen
   */
  gutter(gutter, row, index, isChosen) {
    const { sheet } = this;
    if (!gutter.firstChild) {
      gutter.append(span("check"), span("number"));
      if (sheet.mayEdit) gutter.append(rowButton());
    }
    const [check, number, button] = /** @type {HTMLCollectionOf<HTMLElement>} */ (gutter.children);
    const said = String(index + 1);
    if (number.textContent !== said) number.textContent = said;
    check.classList.toggle("on", isChosen);
    gutter.dataset.row = row ? String(row.id) : "";
    if (!button) return;
    const busy = row ? busyCells(sheet, row) : 0;
    const act = busy ? "stop-row" : "run-row";
    button.hidden = !row || !sheet.schema.groups.length;
    if (button.dataset.act === act && button.dataset.busy === String(busy)) return;
    button.dataset.act = act;
    button.dataset.busy = String(busy);
    button.setAttribute("aria-label", busy ? `Stop ${busy} in row ${said}` : `Run row ${said}`);
    button.title = busy ? `Stop ${many(busy, "cell")}` : "Run empty and failed in this row";
    button.className = `row-act ${busy ? "stop" : "run"}`;
  }

  /**
   * @param {HTMLElement} head
   * @param {Column} column
   */
  head(head, column) {
    const { key, name, type, typeName } = column;
    head.setAttribute("aria-label", `${name}, ${typeName}`);
    head.append(icon(type), named(name));
    this.sorted(head, key);
    head.append(menuButton("column-menu", `Menu of ${name}`, { key, ...headData(column) }));
  }

  /** @param {HTMLElement} head @param {string} key */
  sorted(head, key) {
    const { sort } = this.sheet.query;
    const isUp = sort.includes(key);
    if (!isUp && !sort.includes(`-${key}`)) return;
    head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    const mark = Object.assign(span("sort-mark"), { textContent: isUp ? "↑" : "↓" });
    mark.setAttribute("aria-hidden", "true");
    head.append(mark);
  }

  /**
   * @param {HTMLElement} head
   * @param {Column[]} columns
   */
  band(head, columns) {
    const group = this.sheet.group(/** @type {number} */ (columns[0].group));
    if (!group) return;
    head.dataset.group = String(group.id);
    const kind = group.autoRun ? "Workflow column with auto-run" : "Workflow column";
    head.setAttribute("aria-label", `${group.name}, ${kind}`);
    head.append(icon(group.autoRun ? "auto" : "workflow"), named(group.name));
    if (group.workflowName) {
      const title = `Workflow ${group.workflowName}, version ${group.version}`;
      head.append(Object.assign(span("version"), { textContent: `v${group.version}`, title }));
    }
    const isFirst = this.sheet.columns.find((column) => column.group === group.id)?.key === columns[0].key;
    if (!isFirst || !this.sheet.mayEdit) return;
    const data = { groups: `[${group.id}]`, group: String(group.id), name: group.name };
    const auto = group.autoRun ? "autoOn" : "autoOff";
    const button = menuButton("run-menu", `Run ${group.name}`, { ...data, [auto]: "" });
    button.classList.add("run-button");
    button.prepend("Run ");
    head.append(button);
  }

  /** @param {HTMLElement} corner */
  corner(corner) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "choose-all" });
    button.tabIndex = -1;
    button.dataset.act = "choose-all";
    button.setAttribute("aria-label", "Choose all rows");
    button.append(span("check"));
    corner.replaceChildren(button);
  }
}

/** How many cells of a row something goes on in. @param {import("./sheet.js").Sheet} sheet @param {Row} row */
function busyCells(sheet, row) {
  const busy = new Set();
  for (const [key, face] of Object.entries(row.faces ?? {})) {
    if (BUSY.includes(face.status ?? "")) busy.add(sheet.column(key)?.group);
  }
  return busy.size;
}

/** @param {import("./values.js").Shown} what */
function titleOf({ kind, text, tags }) {
  const full = tags ? tags.join(", ") : text;
  return kind !== "check" && full.length > TITLED_CHARACTERS ? full : "";
}

/** @param {Column} column */
function headData(column) {
  const data = { name: column.name, kind: column.typeName };
  return column.group === null ? { ...data, plain: "" } : { ...data, output: "", group: String(column.group) };
}

function rowButton() {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "row-act" });
  button.tabIndex = -1;
  return button;
}

/** @param {string} name */
function named(name) {
  return Object.assign(span("name"), { textContent: name, title: name });
}

/**
 * @param {string} menu
 * @param {string} label
 * @param {Record<string, string>} data
 */
function menuButton(menu, label, data) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "head-menu" });
  button.tabIndex = -1;
  button.setAttribute("aria-label", label);
  Object.assign(button.dataset, { menu, ...data });
  button.append(icon("chevron"));
  return button;
}

/** A sign; what it stands beside, or on, has words for it. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset.icons ?? ""}#${name}`);
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}
