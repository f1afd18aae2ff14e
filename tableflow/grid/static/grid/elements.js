/** Elements as scripts make them: nothing that people typed is ever read as HTML. */

/** @typedef {{element: HTMLElement, read: () => any}} Part a piece of the form, and what it says: undefined is nothing */
/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */

let ids = 0;

/** An id that no other element of the page has. @param {string} word */
export function unique(word) {
  ids += 1;
  return `panel-${word}-${ids}`;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes] those with a value of false, null or undefined are left out; `data` is the dataset
 * @param {(Node | string | null | undefined)[]} [children]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "data") Object.assign(element.dataset, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * A control with its label, a hint, and the place where problems of it are told. `part` is its piece of the path by
 * which the server names it.
 *
 * @param {string} label
 * @param {Control} control
 * @param {{part?: string, hint?: string, required?: boolean, label?: "hidden"}} [more]
 */
export function field(label, control, { part, hint, required, label: shown } = {}) {
  control.id ||= unique("field");
  control.dataset.control = "";
  if (required) control.setAttribute("aria-required", "true");
  const words = make("label", { for: control.id, class: shown === "hidden" ? "out-of-sight" : null }, [label]);
  const told = hint ? make("p", { class: "hint", id: `${control.id}-hint` }, [hint]) : null;
  if (told) control.setAttribute("aria-describedby", told.id);
  const data = part === undefined ? {} : { part };
  return make("div", { class: "field", data }, [words, control, told, slot()]);
}

/** Where problems of the place around it are told. */
export function slot() {
  return make("p", { class: "problem", data: { problem: "" }, id: unique("problem") });
}

/** @param {string} value @param {Record<string, any>} [attributes] */
export function text(value, attributes = {}) {
  const control = make("input", { type: "text", autocomplete: "off", ...attributes });
  control.value = value;
  return control;
}

/** A text of several lines that is as tall as what is in it. @param {string} value @param {Record<string, any>} [attributes] */
export function area(value, attributes = {}) {
  const control = make("textarea", { rows: 2, class: "grows", ...attributes });
  control.value = value;
  return control;
}

/**
 * @param {[string, string][]} options value and words
 * @param {string} value
 * @param {Record<string, any>} [attributes]
 */
export function choice(options, value, attributes = {}) {
  const control = make("select", attributes);
  offer(control, options, value);
  return control;
}

/** Other options for a choice; one that is chosen and no more among them stays. @param {HTMLSelectElement} control @param {[string, string][]} options @param {string} [value] */
export function offer(control, options, value = control.value) {
  const isKnown = options.some(([each]) => each === value);
  /** @type {[string, string][]} */
  const all = isKnown || !value ? options : [...options, [value, value]];
  const there = [...control.options].map((each) => [each.value, each.text]);
  if (JSON.stringify(there) !== JSON.stringify(all)) {
    control.replaceChildren(...all.map(([each, words]) => make("option", { value: each }, [words])));
  }
  control.value = value;
}

/** A checkbox in its label. @param {string} words @param {boolean} isOn @param {Record<string, any>} [attributes] */
export function check(words, isOn, attributes = {}) {
  const box = make("input", { type: "checkbox", ...attributes });
  box.checked = isOn;
  return { box, label: make("label", { class: "check" }, [box, words]) };
}

/** @param {string} words @param {() => unknown} does @param {Record<string, any>} [attributes] */
export function button(words, does, attributes = {}) {
  const made = make("button", { type: "button", class: "button", ...attributes }, [words]);
  made.addEventListener("click", does);
  return made;
}

/** @param {string} words of what is folded away @param {HTMLElement[]} children @param {boolean} isOpen */
export function fold(words, children, isOpen) {
  return make("details", { class: "more", open: isOpen }, [
    make("summary", {}, [words]),
    make("div", { class: "stack" }, children),
  ]);
}

const SIGNS = {
  up: "M8 13V3.5M4 7.5l4-4 4 4",
  down: "M8 3v9.5M4 8.5l4 4 4-4",
  copy: "M6 6h7.5v7.5H6zM10 6V2.5H2.5V10H6",
  close: "M4 4l8 8M12 4l-8 8",
};

/** A button that shows a sign; the words are its name. @param {keyof typeof SIGNS} sign @param {string} words @param {() => unknown} does @param {Record<string, any>} [attributes] */
export function signed(sign, words, does, attributes = {}) {
  const made = button("", does, { class: "button quiet", title: words, "aria-label": words, ...attributes });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SIGNS[sign]);
  svg.append(path);
  made.append(svg);
  return made;
}
