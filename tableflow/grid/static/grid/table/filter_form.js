/**
 * The form of a filter: groups of conditions in groups. It keeps what is being written, also what is not complete yet;
 * what is complete is told when it changes.
 */

import { button, choice, make } from "../elements.js";
import { same } from "../same.js";
import { valueEditor } from "./filter_values.js";
import { firstOp, VALUELESS, word } from "./filter_words.js";

/** @typedef {import("./filter_words.js").Target} Target */
/** @typedef {{field: string, op: string, value: any}} Leaf */
/** @typedef {{joint: "all" | "any", children: Node[]}} Branch */
/** @typedef {Leaf | Branch} Node */
/** @typedef {{field?: HTMLElement, op?: HTMLElement, value?: {focus: () => void} | null, slot: HTMLElement}} Parts of a condition */

/** As deep as the API has it. */
const MOST_DEEP = 10;

/** @param {Node} node @returns {node is Branch} */
function isBranch(node) {
  return "joint" in node;
}

/**
 * What can be edited of a filter: anything else the server has refused.
 *
 * @param {any} filter
 * @returns {Branch}
 */
export function branchOf(filter) {
  const node = nodeOf(filter);
  if (!node) return { joint: "all", children: [] };
  return isBranch(node) ? node : { joint: "all", children: [node] };
}

/** @param {any} filter @returns {Node | null} */
function nodeOf(filter) {
  for (const joint of /** @type {const} */ (["all", "any"])) {
    if (!Array.isArray(filter?.[joint])) continue;
    return { joint, children: filter[joint].map(nodeOf).filter((/** @type {Node | null} */ child) => child !== null) };
  }
  if (typeof filter?.field !== "string" || typeof filter.op !== "string") return null;
  return { field: filter.field, op: filter.op, value: filter.value === null ? undefined : filter.value };
}

/**
 * The filter that the complete conditions say; null: none.
 *
 * @param {Node} node
 * @param {string} [path] of the node in what the server says
 * @param {Map<string, Leaf>} [paths] gets the conditions by their paths
 * @returns {any}
 */
export function filterOf(node, path = "filter", paths = new Map()) {
  if (!isBranch(node)) {
    const { field, op, value } = node;
    paths.set(path, node);
    if (VALUELESS.includes(op)) return { field, op };
    return value === undefined ? null : { field, op, value };
  }
  /** @type {any[]} */
  const said = [];
  for (const child of node.children) {
    const one = filterOf(child, `${path}.${node.joint}.${said.length}`, paths);
    if (one !== null) said.push(one);
  }
  return said.length ? { [node.joint]: said } : null;
}

export class FilterForm {
  /**
   * @param {HTMLElement} host
   * @param {() => Target[]} targets what can be asked for now
   * @param {(filter: any) => void} changed
   */
  constructor(host, targets, changed) {
    this.host = host;
    this.targets = targets;
    this.changed = changed;
    /** @type {Branch} */
    this.root = branchOf(null);
    /** @type {Map<Leaf, Parts>} */
    this.parts = new Map();
    this.whole = make("p", { class: "problem whole", role: "alert" });
  }

  get filter() {
    return filterOf(this.root);
  }

  /** @param {any} filter it is shown, unless it is what the form says already */
  set(filter) {
    this.tell([]);
    if (same(filter, this.filter)) return;
    this.root = branchOf(filter);
    this.render();
  }

  /** @param {import("../api.js").Problem[]} problems */
  tell(problems) {
    /** @type {Map<string, Leaf>} */
    const paths = new Map();
    filterOf(this.root, "filter", paths);
    for (const slot of [this.whole, ...[...this.parts.values()].map(({ slot }) => slot)]) slot.textContent = "";
    for (const { attr, detail } of problems) {
      const leaf = [...paths].find(([path]) => attr === path || attr?.startsWith(`${path}.`))?.[1];
      const slot = (leaf && this.parts.get(leaf)?.slot) ?? this.whole;
      slot.textContent = [slot.textContent, detail].filter(Boolean).join(" ");
    }
  }

  render() {
    const said = this.whole.textContent;
    this.parts.clear();
    this.host.replaceChildren(this.whole, this.branch(this.root, null, 0));
    this.whole.textContent = said;
  }

  /** Something was added, moved or taken away. @param {Node | null} [held] gets the focus */
  rebuilt(held = null) {
    this.render();
    this.changed(this.filter);
    if (held && !isBranch(held)) this.focus(held);
  }

  /** @param {Leaf} leaf */
  focus(leaf) {
    const { field, value } = this.parts.get(leaf) ?? {};
    if (value) value.focus();
    else field?.focus();
  }

  /**
   * @param {Branch} branch
   * @param {Branch | null} parent
   * @param {number} depth
   * @returns {HTMLElement}
   */
  branch(branch, parent, depth) {
    const joint = choice(
      [
        ["all", "All of these hold"],
        ["any", "Any of these holds"],
      ],
      branch.joint,
      { "aria-label": "How the conditions are joined" },
    );
    joint.addEventListener("change", () => {
      branch.joint = /** @type {"all" | "any"} */ (joint.value);
      this.changed(this.filter);
    });
    const more = [button("Add a condition", () => this.add(branch), { class: "button small" })];
    if (depth < MOST_DEEP - 1) {
      more.push(button("Add a group", () => this.addBranch(branch), { class: "button small" }));
    }
    const head = make("div", { class: "filter-head" }, [joint, parent && this.remover(branch, parent, "this group")]);
    const lines = branch.children.map((child) =>
      isBranch(child) ? this.branch(child, branch, depth + 1) : this.leaf(child, branch),
    );
    return make("div", { class: "filter-group", role: "group", "aria-label": "Conditions" }, [
      branch.children.length || parent ? head : null,
      ...lines,
      make("div", { class: "filter-more" }, more),
    ]);
  }

  /**
   * @param {Leaf} leaf
   * @param {Branch} parent
   */
  leaf(leaf, parent) {
    const known = this.targets();
    const target = known.find(({ field }) => field === leaf.field) ?? gone(leaf);
    const field = choice(
      known.map(({ field, name }) => [field, name]),
      leaf.field,
      { "aria-label": "Column" },
    );
    field.addEventListener("change", () => this.ask(leaf, field.value));
    const op = choice(
      target.ops.map((each) => [each, word(target.type, each)]),
      leaf.op,
      { "aria-label": "Condition" },
    );
    op.addEventListener("change", () => this.operate(leaf, target, op.value));
    const value = valueEditor(target, leaf.op, leaf.value, (said) => {
      leaf.value = said;
      this.changed(this.filter);
    });
    const slot = make("p", { class: "problem", role: "alert" });
    this.parts.set(leaf, { field, op, value, slot });
    return make("div", { class: "filter-line" }, [
      field,
      op,
      value?.element ?? make("span"),
      this.remover(leaf, parent, "this condition"),
      slot,
    ]);
  }

  /**
   * @param {Node} node
   * @param {Branch} parent
   * @param {string} what
   */
  remover(node, parent, what) {
    const remove = () => {
      parent.children = parent.children.filter((child) => child !== node);
      this.rebuilt(parent.children.findLast((child) => !isBranch(child)));
      if (!this.host.contains(document.activeElement)) this.host.querySelector("button")?.focus();
    };
    return button("×", remove, { class: "button quiet", "aria-label": `Remove ${what}` });
  }

  /** @param {Branch} branch */
  add(branch) {
    const target = this.targets()[0];
    const leaf = { field: target.field, op: firstOp(target), value: undefined };
    branch.children.push(leaf);
    this.rebuilt();
    this.parts.get(leaf)?.field?.focus();
  }

  /** @param {Branch} branch */
  addBranch(branch) {
    /** @type {Branch} */
    const inner = { joint: branch.joint === "all" ? "any" : "all", children: [] };
    branch.children.push(inner);
    this.add(inner);
  }

  /** Another column: what does not fit it is left. @param {Leaf} leaf @param {string} field */
  ask(leaf, field) {
    const known = this.targets();
    const before = known.find((target) => target.field === leaf.field);
    const target = known.find((each) => each.field === field) ?? gone(leaf);
    const isAlike = before?.type === target.type && !before.choices.length && !target.choices.length;
    leaf.field = field;
    if (!isAlike) leaf.value = undefined;
    if (!target.ops.includes(leaf.op) || !isAlike) leaf.op = firstOp(target);
    this.rebuilt();
    this.parts.get(leaf)?.field?.focus();
  }

  /** @param {Leaf} leaf @param {Target} target @param {string} op */
  operate(leaf, target, op) {
    const shape = (/** @type {string} */ each) => valueEditor(target, each, undefined, () => {})?.element.className;
    if (Array.isArray(leaf.value) || shape(op) !== shape(leaf.op)) leaf.value = undefined;
    leaf.op = op;
    this.rebuilt();
    this.parts.get(leaf)?.op?.focus();
  }
}

/** What a condition asks for that is not there any more. @param {Leaf} leaf @returns {Target} */
function gone({ field, op }) {
  return { field, name: field, type: "", choices: [], ops: [op] };
}
