/** The steps of a workflow: a card for each, with a form out of its type's schema. */

import { button, choice, field, fold, make, signed, slot, text } from "../elements.js";
import { parse } from "../exact.js";
import { completes } from "./completion.js";
import { focusIn, schemaForm } from "./schema_form.js";
import { ofColumns, ofInputs, ofSteps } from "./suggestions.js";

/** @typedef {import("./suggestions.js").StepType} StepType */
/** @typedef {import("./suggestions.js").Column} Column */
/** @typedef {{id: string, type: string, config: any, if?: string, retry?: any, timeout?: any, on_error?: string}} Step */
/** @typedef {{element: HTMLElement, read: () => Step}} Card */

const SURROUNDING = ["if", "timeout", "retry", "on_error"];

export class Steps {
  /**
   * @param {Step[]} steps
   * @param {{types: Map<string, StepType>, inputs: () => string[], columns: () => Column[], changed: () => void}} known
   */
  constructor(steps, known) {
    this.known = known;
    /** @type {Card[]} */
    this.cards = [];
    this.list = make("ol", { class: "steps", "aria-label": "Steps" });
    this.adder = button("Add a step", () => {}, { class: "button small", data: { menu: "step-types" } });
    this.element = make("div", { class: "stack", data: { at: "workflow.steps" } }, [this.list, this.adder, slot()]);
    for (const step of steps) this.put(step, this.cards.length);
  }

  /** @returns {Step[]} */
  read() {
    return this.cards.map((card) => card.read());
  }

  /** Adds a step of this type at the end, under an id of its own. @param {string} type */
  add(type) {
    const card = this.put({ id: this.free(type), type, config: {} }, this.cards.length);
    card.element.scrollIntoView({ block: "nearest" });
    focusIn(/** @type {Element} */ (card.element.querySelector(".step-body")));
    this.known.changed();
  }

  /** An id that no step has yet. @param {string} wanted */
  free(wanted) {
    const ids = this.read().map(({ id }) => id);
    const stem = wanted.replace(/_\d+$/, "");
    let id = wanted;
    for (let number = 2; ids.includes(id); number++) id = `${stem}_${number}`;
    return id;
  }

  /** @param {Step} step @param {number} index */
  put(step, index) {
    const card = this.card(step);
    this.cards.splice(index, 0, card);
    this.list.insertBefore(card.element, this.list.children[index] ?? null);
    this.number();
    return card;
  }

  number() {
    for (const [index, { element }] of this.cards.entries()) {
      element.dataset.part = String(index);
      /** @type {HTMLElement} */ (element.querySelector(".step-number")).textContent = `${index + 1}`;
      const [up, down] = /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-moves]"));
      up.ariaDisabled = String(index === 0);
      down.ariaDisabled = String(index === this.cards.length - 1);
    }
  }

  /** @param {Card} card @param {number} by */
  move(card, by) {
    const from = this.cards.indexOf(card);
    const to = from + by;
    if (to < 0 || to >= this.cards.length) return;
    const held = document.activeElement;
    this.cards.splice(from, 1);
    this.cards.splice(to, 0, card);
    this.list.insertBefore(card.element, this.list.children[by > 0 ? to + 1 : to] ?? null);
    if (held instanceof HTMLElement) held.focus();
    this.number();
    this.known.changed();
  }

  /** @param {Card} card */
  duplicate(card) {
    const step = parse(JSON.stringify(card.read()));
    const made = this.put({ ...step, id: this.free(step.id || step.type) }, this.cards.indexOf(card) + 1);
    focusIn(/** @type {Element} */ (made.element.querySelector(".step-body")));
    this.known.changed();
  }

  /** @param {Card} card */
  remove(card) {
    const at = this.cards.indexOf(card);
    this.cards.splice(at, 1);
    card.element.remove();
    this.number();
    const next = this.cards[Math.min(at, this.cards.length - 1)]?.element.querySelector("button");
    (next ?? this.adder).focus();
    this.known.changed();
  }

  /** What a template of this card can read. @param {() => Card} card */
  scopeOf(card) {
    return () => {
      const before = this.cards.slice(0, this.cards.indexOf(card())).map((each) => each.read());
      const { types, inputs, columns } = this.known;
      return [...ofInputs(inputs()), ...ofSteps(before, types), ...ofColumns(columns())];
    };
  }

  /** @param {Step} step @returns {Card} */
  card(step) {
    const type = this.known.types.get(step.type);
    const title = type?.title ?? `${step.type} (no such step type)`;
    const scope = this.scopeOf(() => made);
    const id = text(step.id, { class: "code", spellcheck: "false" });
    const config = schemaForm(type?.config_schema ?? {}, step.config ?? {}, scope);
    const configured = make("div", { data: { part: "config" } }, [config.element, slot()]);
    const around = surroundings(step, scope);
    const told = type ? make("p", { class: "hint" }, [type.description]) : null;
    const body = make("div", { class: "step-body stack" }, [
      field("Id", id, { part: "id" }),
      told,
      configured,
      around.element,
    ]);
    const name = make("strong", {}, [step.id]);
    id.addEventListener("input", () => name.replaceChildren(id.value));
    const element = make("li", { class: "step-card" }, [
      this.head(() => made, body, name, title),
      body,
      make("div", { class: "field", data: { part: "type" } }, [slot()]),
      slot(),
    ]);
    /** @type {Card} */
    const made = {
      element,
      read: () => ({ ...others(step), id: id.value, type: step.type, config: config.read(), ...around.read() }),
    };
    return made;
  }

  /** @param {() => Card} card @param {HTMLElement} body @param {HTMLElement} name @param {string} title */
  head(card, body, name, title) {
    const toggle = button(
      "",
      () => {
        body.hidden = !body.hidden;
        toggle.ariaExpanded = String(!body.hidden);
      },
      { class: "button quiet step-name", "aria-expanded": "true" },
    );
    toggle.append(make("span", { class: "step-number soft" }), name, make("span", { class: "soft" }, [title]));
    /** @type {[Parameters<typeof signed>[0], string, () => void, boolean][]} */
    const tools = [
      ["up", "Move up", () => this.move(card(), -1), true],
      ["down", "Move down", () => this.move(card(), 1), true],
      ["copy", "Duplicate", () => this.duplicate(card()), false],
      ["close", "Delete", () => this.remove(card()), false],
    ];
    const made = tools.map(([sign, words, does, moves]) => tool(sign, words, does, moves, name));
    return make("div", { class: "step-head" }, [toggle, make("span", { class: "step-tools" }, made)]);
  }
}

/**
 * A small button that says which step it is for.
 *
 * @param {Parameters<typeof signed>[0]} sign
 * @param {string} words
 * @param {() => void} does
 * @param {boolean} moves
 * @param {HTMLElement} name of the step, which may change
 */
function tool(sign, words, does, moves, name) {
  const made = signed(sign, words, () => made.ariaDisabled === "true" || does(), { data: moves ? { moves: "" } : {} });
  const label = () => made.setAttribute("aria-label", `${words}: ${name.textContent}`);
  new MutationObserver(label).observe(name, { childList: true });
  label();
  return made;
}

/** What a step has beside what the form knows: it is kept, and the server says what it thinks of it. @param {Step} step */
function others(step) {
  const known = ["id", "type", "config", ...SURROUNDING];
  return Object.fromEntries(Object.entries(step).filter(([name]) => !known.includes(name)));
}

/** When a step runs, how often, how long, and what becomes of its failure. @param {Step} step @param {() => any[]} scope */
function surroundings(step, scope) {
  const condition = text(step.if ?? "", { placeholder: "{{ … }}" });
  completes(condition, scope);
  const timeout = text(shown(step.timeout), { inputmode: "decimal" });
  const attempts = text(shown(step.retry?.attempts), { inputmode: "numeric", placeholder: "1" });
  const backoff = text(shown(step.retry?.backoff_seconds), { inputmode: "decimal", placeholder: "1" });
  const onError = choice(
    [
      ["", "The cell fails"],
      ["continue", "Go on with the next step"],
    ],
    step.on_error === "continue" ? "continue" : "",
  );
  const element = fold(
    "When, how often, what if it fails",
    [
      field("Only if", condition, {
        part: "if",
        hint: "A template. Where it comes out false, empty or 0, the step is left out.",
      }),
      make("div", { class: "pair", data: { part: "retry" } }, [
        field("Tries", attempts, { part: "attempts" }),
        field("Seconds before the next", backoff, { part: "backoff_seconds" }),
        slot(),
      ]),
      field("Timeout in seconds", timeout, { part: "timeout" }),
      field("If it fails", onError, { part: "on_error" }),
    ],
    SURROUNDING.some((name) => name in step),
  );
  const read = () => {
    const retry = some({ attempts: number(attempts.value), backoff_seconds: number(backoff.value) });
    const given = {
      if: condition.value || undefined,
      timeout: number(timeout.value),
      on_error: onError.value || (step.on_error && "fail"),
    };
    return some({ ...given, retry: Object.keys(retry).length ? retry : undefined });
  };
  return { element, read };
}

/** @param {any} value */
function shown(value) {
  return value === undefined || value === null ? "" : String(value);
}

/** The number that a text says, the text where it says none, undefined where it is empty. @param {string} said */
function number(said) {
  if (said.trim() === "") return undefined;
  return Number.isNaN(Number(said)) ? said : Number(said);
}

/** @param {Record<string, any>} value */
function some(value) {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined && each !== ""));
}
