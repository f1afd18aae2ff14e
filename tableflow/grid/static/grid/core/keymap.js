/** Which keys do what. What is bound with a label is listed by the keyboard help. */

/**
 * @typedef {object} Binding
 * @property {string} keys such as `Mod+Shift+Z`; `Mod` is Ctrl, or ⌘ on a Mac
 * @property {string} label what it does, "" for what goes without saying
 * @property {(event: KeyboardEvent) => unknown} run false: not now, the next one is asked
 */

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

export class Keymap {
  constructor() {
    /** @type {Binding[]} */
    this.bindings = [];
  }

  /**
   * The last one that is bound is asked first.
   *
   * @param {string} keys several with spaces between them
   * @param {string} label
   * @param {(event: KeyboardEvent) => unknown} run
   */
  bind(keys, label, run) {
    for (const each of keys.split(" ")) this.bindings.unshift({ keys: each, label, run });
  }

  /**
   * Does what the keys are for; gives whether they are for anything.
   *
   * @param {KeyboardEvent} event
   */
  handle(event) {
    if (event.isComposing) return false;
    const pressed = name(event);
    const done = this.bindings.some(({ keys, run }) => keys === pressed && run(event) !== false);
    if (done) event.preventDefault();
    return done;
  }

  /** @returns {{label: string, keys: string[]}[]} what has a label, as people write the keys */
  get listed() {
    /** @type {Map<string, string[]>} */
    const found = new Map();
    for (const { keys, label } of [...this.bindings].reverse()) {
      if (label) found.set(label, [...(found.get(label) ?? []), written(keys)]);
    }
    return [...found].map(([label, keys]) => ({ label, keys }));
  }
}

/**
 * @param {KeyboardEvent} event
 * @returns {string} as bindings name it
 */
export function name(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const isSign = key.length === 1 && key.toLowerCase() === key;
  const mod = IS_MAC ? event.metaKey : event.ctrlKey;
  const parts = [mod && "Mod", event.altKey && "Alt", event.shiftKey && !isSign && "Shift", key];
  return parts.filter(Boolean).join("+");
}

/** @param {string} keys */
function written(keys) {
  return keys
    .replace("Mod", IS_MAC ? "⌘" : "Ctrl")
    .replace("Arrow", "")
    .replaceAll("+", " + ");
}
