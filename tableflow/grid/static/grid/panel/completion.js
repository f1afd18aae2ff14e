/**
 * `{{` completion: while the caret is in an expression, a listbox beneath the field offers what can be read there. Arrow
 * keys choose, Enter and Tab take, Esc puts it away; typing goes on in the field. To assistive technology a line is a
 * combobox, and an area a text box that owns the list.
 */

import { make, unique } from "../elements.js";

/** @typedef {import("./suggestions.js").Suggestion} Suggestion */
/** @typedef {HTMLInputElement | HTMLTextAreaElement} TextControl */

const MOST_SHOWN = 50;
const TOKEN = /[A-Za-z0-9_.[\]"]*$/;
/** What stands before a name in an expression. */
const BEFORE = /(^|[\s({[,|+\-*/%~<>=!:])$/;

const list = make("ul", {
  class: "completion",
  role: "listbox",
  id: unique("list"),
  popover: "manual",
  "aria-label": "What can be read here",
});
/** @type {{control: TextControl, from: number, found: Suggestion[], at: number} | null} */
let open = null;
/** Where the field was when the list was put there, and the frame in which that is asked again. */
let put = "";
let frame = 0;

/**
 * Completes what is typed into the field.
 *
 * @param {TextControl} control
 * @param {() => Suggestion[]} suggestions what can be read there now
 */
export function completes(control, suggestions) {
  const isLine = control instanceof HTMLInputElement;
  if (isLine) control.setAttribute("role", "combobox");
  if (isLine) control.setAttribute("aria-expanded", "false");
  control.setAttribute("aria-autocomplete", "list");
  control.setAttribute("aria-haspopup", "listbox");
  control.spellcheck = false;
  control.addEventListener("input", () => offer(control, suggestions()));
  control.addEventListener("click", () => offer(control, suggestions()));
  control.addEventListener("blur", close);
  control.addEventListener("keydown", (event) => pressed(/** @type {KeyboardEvent} */ (event)));
}

/** @param {TextControl} control @param {Suggestion[]} suggestions */
function offer(control, suggestions) {
  const token = tokenOf(control);
  const found = token === null ? [] : matching(suggestions, token).slice(0, MOST_SHOWN);
  if (!found.length || (found.length === 1 && found[0].path === token)) return close();
  open = { control, from: (control.selectionStart ?? 0) - (token ?? "").length, found, at: 0 };
  draw();
}

/** What is typed of a name at the caret; null where it is in no expression, or in no place for a name. @param {TextControl} control */
function tokenOf(control) {
  const caret = control.selectionStart ?? 0;
  if (caret !== control.selectionEnd) return null;
  const before = control.value.slice(0, caret);
  const start = Math.max(before.lastIndexOf("{{"), before.lastIndexOf("{%"));
  if (start < 0 || /[%}]\}/.test(before.slice(start))) return null;
  const inside = before.slice(start + 2);
  const token = TOKEN.exec(inside)?.[0] ?? "";
  return BEFORE.test(inside.slice(0, inside.length - token.length)) ? token : null;
}

/** @param {Suggestion[]} suggestions @param {string} token */
function matching(suggestions, token) {
  const wanted = token.toLowerCase();
  const first = suggestions.filter(({ path }) => path.toLowerCase().startsWith(wanted));
  const others = suggestions.filter((each) => !first.includes(each) && each.path.toLowerCase().includes(wanted));
  return [...first, ...others];
}

function draw() {
  if (!open) return;
  const { control, found } = open;
  const options = found.map(({ path, about }, index) => {
    const option = make("li", { role: "option", id: `${list.id}-${index}` }, [
      make("code", {}, [path]),
      make("span", { class: "soft" }, [about]),
    ]);
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      take(index);
    });
    return option;
  });
  list.replaceChildren(...options);
  if (!list.isConnected) document.body.append(list);
  list.showPopover();
  place(control);
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(follow);
  control.setAttribute("aria-controls", list.id);
  if (control.role === "combobox") control.setAttribute("aria-expanded", "true");
  mark(0);
}

/** Goes where its field is by now: what stands above may grow, and anything may be scrolled. */
function follow() {
  if (!open) return;
  const { control } = open;
  if (!control.isConnected) return close();
  if (put !== spot(control.getBoundingClientRect())) place(control);
  frame = requestAnimationFrame(follow);
}

/** @param {DOMRect} at */
function spot({ left, top, width, height }) {
  return [left, top, width, height, innerHeight].join();
}

/** @param {TextControl} control */
function place(control) {
  const at = control.getBoundingClientRect();
  const { height } = list.getBoundingClientRect();
  put = spot(at);
  const isBelow = at.bottom + height + 4 <= innerHeight || at.top < height;
  list.style.left = `${at.left}px`;
  list.style.width = `${at.width}px`;
  list.style.top = `${isBelow ? at.bottom + 2 : at.top - height - 2}px`;
}

/** @param {number} index */
function mark(index) {
  if (!open) return;
  open.at = index;
  for (const [place, option] of [...list.children].entries())
    option.setAttribute("aria-selected", String(place === index));
  list.children[index].scrollIntoView({ block: "nearest" });
  open.control.setAttribute("aria-activedescendant", list.children[index].id);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (!open || event.target !== open.control || event.isComposing) return;
  const { at, found } = open;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) mark((at + step + found.length) % found.length);
  else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) take(at);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Puts a name into the field, and closes its braces where they are open. @param {number} index */
function take(index) {
  if (!open) return;
  const { control, from, found } = open;
  const caret = control.selectionStart ?? 0;
  const after = control.value.slice(caret);
  const before = control.value.slice(0, from);
  const isOpen = !/^[^{]*[%}]\}/.test(after);
  const space = before.endsWith("{{") || before.endsWith("{%") ? " " : "";
  const ends = isOpen && before.lastIndexOf("{{") > before.lastIndexOf("{%") ? " }}" : "";
  close();
  control.setRangeText(`${space}${found[index].path}${ends}`, from, caret, "end");
  const end = control.selectionEnd ?? 0;
  control.setSelectionRange(end, end);
  control.dispatchEvent(new Event("input", { bubbles: true }));
  close();
}

function close() {
  if (!open) return;
  const { control } = open;
  open = null;
  list.hidePopover();
  control.removeAttribute("aria-activedescendant");
  control.removeAttribute("aria-controls");
  if (control.role === "combobox") control.setAttribute("aria-expanded", "false");
}
