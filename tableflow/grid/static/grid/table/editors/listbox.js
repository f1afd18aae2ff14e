/** Choices below the cell that is edited; the field is their combobox, which keeps the focus. */

let boxes = 0;

export class Listbox {
  /**
   * @param {import("./overlay.js").Overlay} overlay
   * @param {boolean} isMany
   * @param {(choice: string) => void} pick
   */
  constructor({ list, catcher }, isMany, pick) {
    this.catcher = catcher;
    this.element = document.createElement("div");
    this.element.className = "editor-list";
    this.element.id = `choices-${++boxes}`;
    this.element.setAttribute("role", "listbox");
    this.element.setAttribute("aria-label", "Choices");
    if (isMany) this.element.setAttribute("aria-multiselectable", "true");
    list.replaceChildren(this.element);
    /** @type {string[]} */
    this.choices = [];
    /** Which of them Enter takes; -1: none. */
    this.active = -1;
    catcher.setAttribute("role", "combobox");
    catcher.setAttribute("aria-autocomplete", "list");
    catcher.setAttribute("aria-controls", this.element.id);
    this.element.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the field keeps the focus
      const option = /** @type {Element} */ (event.target).closest("[role=option]");
      if (option instanceof HTMLElement && event.button === 0) pick(this.choices[Number(option.dataset.at)]);
    });
  }

  /** @returns {string | undefined} */
  get choice() {
    return this.choices[this.active];
  }

  /**
   * @param {string[]} choices
   * @param {string[]} chosen
   * @param {number} active
   */
  show(choices, chosen, active) {
    this.choices = choices;
    this.element.replaceChildren(
      ...choices.map((choice, at) => {
        const option = Object.assign(document.createElement("div"), { textContent: choice });
        option.id = `${this.element.id}-${at}`;
        option.dataset.at = String(at);
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", String(chosen.includes(choice)));
        return option;
      }),
    );
    this.element.hidden = choices.length === 0;
    this.catcher.setAttribute("aria-expanded", String(choices.length > 0));
    this.go(active);
  }

  /** @param {number} by */
  move(by) {
    const { length } = this.choices;
    if (length) this.go(this.active < 0 ? (by > 0 ? 0 : length - 1) : (this.active + by + length) % length);
  }

  /** @param {number} active */
  go(active) {
    this.element.children[this.active]?.classList.remove("active");
    this.active = active < this.choices.length ? active : -1;
    const option = this.element.children[this.active];
    option?.classList.add("active");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.catcher.setAttribute("aria-activedescendant", option.id);
    else this.catcher.removeAttribute("aria-activedescendant");
  }
}
