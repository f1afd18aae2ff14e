/** The form of a workflow column: its parts, what it says as a whole, and what the server thinks of that. */

import { ApiError, call } from "../api.js";
import { button, choice, field, make, text } from "../elements.js";
import { random } from "../random.js";
import { same } from "../same.js";
import { Asker } from "./asker.js";
import { Inputs, leftOf, Outputs } from "./mapping.js";
import { clear, ownProblems, show } from "./problems.js";
import { Steps } from "./steps.js";
import { Timing } from "./timing.js";

/** @typedef {import("./suggestions.js").Column} Column */
/**
 * @typedef {object} Group
 * @property {number} id
 * @property {string} name
 * @property {number} workflow
 * @property {Record<string, string>} inputs
 * @property {{from: string, column: string}[]} outputs
 * @property {string[]} run_after
 * @property {string} run_if
 * @property {boolean} auto_run
 * @property {number | null} concurrency
 */
/**
 * @typedef {object} Workflow
 * @property {number} id
 * @property {string} name
 * @property {number} version
 * @property {string[]} inputs
 * @property {any[]} steps
 * @property {Record<string, string>} outputs
 */

const WRITE = "new";
/** The code of a problem for which the server refuses nothing: another table may have the column. */
const MISSING_COLUMN = "no_column";
const NOTHING = { run_after: [], run_if: "", auto_run: false, concurrency: null };

export class Form {
  /**
   * @param {{base: string, columns: Column[], workflows: Workflow[], types: any[], group: Group | null}} start
   * @param {(problems: number) => void} judged
   */
  constructor({ base, columns, workflows, types, group }, judged) {
    this.base = base;
    this.columns = columns;
    this.workflows = workflows;
    this.types = new Map(types.map((type) => [type.type, type]));
    this.group = group;
    this.judged = judged;
    /** @type {Workflow | null} the one that is used, or whose steps are edited */
    this.workflow = workflows.find(({ id }) => id === group?.workflow) ?? null;
    this.isWriting = /** @type {boolean} */ (false);
    /** @type {Inputs | undefined} */
    this.inputs = undefined;
    /** @type {Steps | undefined} */
    this.steps = undefined;
    /** @type {Outputs | undefined} */
    this.outputs = undefined;
    /** @type {HTMLInputElement | undefined} */
    this.workflowName = undefined;
    this.isAsked = false;
    /** @type {Map<string, string>} */
    this.keys = new Map();
    this.name = text(group?.name ?? "", { maxlength: "128", placeholder: group ? null : "As the workflow is called" });
    this.picker = choice(this.offered(), this.workflow ? String(this.workflow.id) : "");
    this.chosen = make("div", { class: "stack" });
    this.timing = new Timing(base, group ?? NOTHING, () => this.left());
    this.trial = make("div", { class: "trial", "aria-live": "polite" });
    this.asker = new Asker(
      () => this.ask(),
      (problems) => this.take(problems),
    );
    this.element = make("div", { class: "stack" }, [this.head(), this.chosen, this.trial]);
    this.element.addEventListener("input", (event) => this.typed(event));
    this.element.addEventListener("change", (event) => this.typed(event));
    this.picker.addEventListener("change", () => this.pick());
    if (workflows.length || group) this.draw();
    else this.write(null);
    this.unchanged = this.said();
  }

  head() {
    const gone = this.group && !this.workflow;
    const hint = gone
      ? "The workflow of this column was deleted, or is not yours to see. Choose another one."
      : undefined;
    return make("div", { class: "stack" }, [
      field("Name of the column", this.name, { part: "name" }),
      field("Workflow", this.picker, { part: "workflow", hint }),
    ]);
  }

  /** @returns {[string, string][]} */
  offered() {
    const there = this.workflows.map(
      ({ id, name, version }) => /** @type {[string, string]} */ ([String(id), `${name} (version ${version})`]),
    );
    return [["", "Choose…"], ...there, [WRITE, "Write a new one…"]];
  }

  focus() {
    (this.isWriting ? this.workflowName : this.group ? this.name : this.picker)?.focus();
  }

  end() {
    this.asker.stop();
    this.timing.asker.stop();
  }

  // What is shown

  pick() {
    if (this.picker.value === WRITE) return this.write(null);
    this.isWriting = false;
    this.workflow = this.workflows.find(({ id }) => String(id) === this.picker.value) ?? null;
    this.draw();
  }

  /** Writes a workflow: a new one, or the next version of one. @param {Workflow | null} workflow */
  write(workflow) {
    const mapped = workflow ? this.inputs?.read() : undefined;
    this.workflow = workflow;
    this.isWriting = true;
    this.picker.value = workflow ? String(workflow.id) : WRITE;
    this.draw(mapped);
    this.focus();
  }

  /** @param {Record<string, string>} [mapped] what inputs were given so far */
  draw(mapped) {
    this.steps = undefined;
    this.inputs = undefined;
    this.outputs = undefined;
    if (!this.workflow && !this.isWriting) {
      this.chosen.replaceChildren(
        make("p", { class: "hint" }, [
          "A workflow is a list of steps with inputs and outputs. Choose one, or write one here.",
        ]),
      );
      return;
    }
    const { inputs, steps, outputs } = this.workflow ?? { inputs: [], steps: [], outputs: {} };
    const isOwn = this.workflow !== null && this.workflow.id === this.group?.workflow;
    const given = mapped ?? { ...(isOwn ? {} : this.guesses(inputs)), ...this.group?.inputs };
    this.inputs = new Inputs({ names: inputs, given, isWriting: this.isWriting, columns: () => this.left() }, () =>
      this.changed(),
    );
    this.steps = new Steps(steps, {
      types: this.types,
      inputs: () => this.inputs?.names ?? [],
      columns: () => this.columns,
      changed: () => this.changed(),
    });
    this.outputs = this.made(outputs);
    this.chosen.replaceChildren(...this.sections());
    this.timing.refresh();
    this.read();
  }

  /** @param {Record<string, string>} templates @returns {Outputs} */
  made(templates) {
    return new Outputs(
      {
        templates,
        filled: this.group?.outputs ?? [],
        isWriting: this.isWriting,
        alone: this.workflow?.name ?? "",
        columns: () => this.columns,
        group: this.group?.id ?? null,
        inputs: () => this.inputs?.names ?? [],
        steps: () => this.steps?.read() ?? [],
        types: this.types,
        kinds: JSON.parse(document.getElementById("column-types")?.textContent ?? "{}"),
      },
      () => this.changed(),
    );
  }

  /** @returns {Node[]} */
  sections() {
    const { inputs, steps, outputs } = this;
    if (!inputs || !steps || !outputs) return [];
    return [
      ...(this.isWriting ? this.writing() : [this.reading()]),
      section("Inputs", inputs.element),
      ...(this.isWriting ? [section("Steps", steps.element)] : []),
      section("Outputs", outputs.element),
      section("When it runs", this.timing.element),
    ];
  }

  /** @returns {HTMLElement[]} */
  writing() {
    const { workflow } = this;
    this.workflowName = text(workflow?.name ?? "", { maxlength: "128" });
    const about = workflow
      ? `A change makes version ${workflow.version + 1} of it. Runs that have begun go on with theirs.`
      : "It is kept under this name, for other columns, too.";
    this.used = make("p", { class: "hint" });
    if (workflow) this.tellUses(workflow, this.used);
    const named = field("Name of the workflow", this.workflowName, { part: "workflow.name", hint: about });
    return [make("div", { class: "stack" }, [named, this.used])];
  }

  reading() {
    const steps = (this.workflow?.steps ?? []).map((step) => {
      const title = this.types.get(step.type)?.title ?? step.type;
      return make("li", {}, [make("strong", {}, [step.id]), " ", make("span", { class: "soft" }, [title])]);
    });
    const edit = button("Edit steps", () => this.edit(), { class: "button small" });
    return make("div", { class: "summary" }, [make("ol", { "aria-label": "Steps" }, steps), edit]);
  }

  edit() {
    this.write(this.workflow);
    this.changed();
  }

  /** Says which other columns use the workflow. @param {Workflow} workflow @param {HTMLElement} place */
  async tellUses(workflow, place) {
    try {
      const { results } = await call("GET", `/api/v1/workflows/${workflow.id}/uses/`);
      const others = results.filter((/** @type {any} */ each) => each.group !== this.group?.id);
      const named = others.map((/** @type {any} */ each) => `${each.group_name} in ${each.table_name}`);
      place.textContent = named.length
        ? `It is also used by ${named.join(", ")}: they get the new version, too.`
        : "No other column uses it.";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      place.textContent = "Which other columns use it cannot be read now.";
    }
  }

  /** For each input the column of the same name. @param {string[]} inputs @returns {Record<string, string>} */
  guesses(inputs) {
    const found = inputs.map((input) => {
      const plain = input.toLowerCase();
      return [
        input,
        this.columns.find(({ key, name }) => [key.toLowerCase(), name.toLowerCase()].includes(plain))?.key,
      ];
    });
    return Object.fromEntries(found.filter(([, key]) => key));
  }

  /** The columns that it may read. @returns {Column[]} */
  left() {
    return leftOf(this.columns, this.outputs?.keys ?? this.group?.outputs.map(({ column }) => column) ?? []);
  }

  /** @param {Column[]} columns */
  refresh(columns) {
    this.columns = columns;
    this.inputs?.refresh();
    this.outputs?.refresh();
    this.timing.refresh();
    this.asker.soon();
  }

  /** @param {string} type */
  addStep(type) {
    this.steps?.add(type);
  }

  /** @param {HTMLElement | null} shown @param {any[]} [columns] */
  tried(shown, columns = []) {
    this.trial.replaceChildren(...(shown ? [section("Trial", shown)] : []));
    this.trial.scrollIntoView({ block: "nearest" });
    this.outputs?.learn(columns);
  }

  // What it says

  /** As the API takes it. */
  read() {
    const inputs = this.inputs?.read() ?? {};
    /** @type {Record<string, any> | number | null} */
    const workflow = this.isWriting ? this.draft() : (this.workflow?.id ?? null);
    const outputs = this.outputs?.read() ?? [];
    const name = this.name.value.trim();
    const group = this.group ? { group: this.group.id } : {};
    return { ...group, ...(name || this.group ? { name } : {}), workflow, inputs, outputs, ...this.timing.read() };
  }

  /** What can be tried: a workflow needs no name for that. */
  readTrial() {
    const { workflow, ...body } = this.read();
    if (workflow === null || typeof workflow === "number") return { ...body, workflow };
    const { name: _, ...draft } = workflow;
    return { ...body, workflow: draft };
  }

  draft() {
    return {
      name: this.workflowName?.value ?? "",
      inputs: this.inputs?.names ?? [],
      steps: this.steps?.read() ?? [],
      outputs: this.outputs?.templates ?? {},
    };
  }

  said() {
    return JSON.stringify([this.read(), this.outputs?.areDropped ?? false]);
  }

  /** Whether something was typed that is not saved. */
  get isTouched() {
    return this.said() !== this.unchanged;
  }

  /** @param {Event} event */
  typed(event) {
    const around = /** @type {Element} */ (event.target).closest(".field");
    if (around instanceof HTMLElement) around.dataset.touched = "";
    this.changed();
  }

  changed() {
    // Which columns are to the left may be another matter now.
    this.inputs?.refresh();
    this.timing.refresh();
    this.asker.soon();
  }

  // What the server thinks of it

  /** @returns {Promise<import("../api.js").Problem[] | null>} null: no answer, the next key asks again */
  async ask() {
    const body = this.read();
    try {
      const { problems } = await call("POST", `${this.base}/groups/check/`, body);
      return problems;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return null;
    }
  }

  /** @param {import("../api.js").Problem[] | null} problems */
  take(problems) {
    if (problems) this.judged(show(this.element, [...ownProblems(this.element), ...problems], this.isAsked));
  }

  /**
   * Whether the server would take it as it is; if not, everything that is wrong is told, and the first of it focused.
   *
   * @param {any} [body]
   */
  async isGood(body = this.read()) {
    this.isAsked = true;
    const { problems } = await call("POST", `${this.base}/groups/check/`, body);
    const found = [...ownProblems(this.element), ...problems];
    this.judged(show(this.element, found, true));
    if (found.every(({ code }) => code === MISSING_COLUMN)) return true;
    const first = this.element.querySelector("[aria-invalid='true'], .problem:not(:empty)");
    first?.scrollIntoView({ block: "nearest" });
    if (first instanceof HTMLElement) first.focus();
    return false;
  }

  /** Tells problems at their fields. @param {import("../api.js").Problem[]} problems @returns {import("../api.js").Problem[]} those that have none */
  tell(problems) {
    const here = problems.filter(({ attr }) => attr);
    clear(this.element);
    const told = show(this.element, here, true);
    this.judged(told);
    return told === here.length ? problems.filter(({ attr }) => !attr) : problems;
  }

  // Saving

  /** Saves the workflow, if it is written here. Done once: what comes again changes what was saved. @returns {Promise<string>} what was saved, in words */
  async saveWorkflow() {
    if (!this.isWriting) return "";
    const draft = this.draft();
    if (this.workflow) await this.mayFollow(this.workflow);
    const saved = await this.prefixed(() =>
      this.workflow
        ? call("PATCH", `/api/v1/workflows/${this.workflow.id}/`, draft)
        : this.post("/api/v1/workflows/", draft),
    );
    const isNew = saved.version !== this.workflow?.version;
    this.workflow = saved;
    return isNew ? `The workflow ${saved.name} is saved as version ${saved.version}.` : "";
  }

  /** Refuses once what would come after a version that somebody else has saved meanwhile. @param {Workflow} workflow */
  async mayFollow(workflow) {
    const { version } = await call("GET", `/api/v1/workflows/${workflow.id}/`);
    if (version === workflow.version) return;
    this.workflow = { ...workflow, version };
    const detail = `Somebody has saved version ${version} of the workflow meanwhile. Save again to put yours after it.`;
    throw new ApiError(409, [{ attr: null, code: "conflict", detail }]);
  }

  /**
   * Makes something once, also when it is asked for again because no answer came.
   *
   * @param {string} address
   * @param {any} body
   */
  post(address, body) {
    const asked = address + JSON.stringify(body);
    const key = this.keys.get(asked) ?? random();
    this.keys.set(asked, key);
    return call("POST", address, body, undefined, { headers: { "Idempotency-Key": key } });
  }

  /** Problems of the workflow, under its place in the form. @param {() => Promise<any>} does */
  async prefixed(does) {
    try {
      return await does();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const problems = error.problems.map((each) => ({ ...each, attr: each.attr && `workflow.${each.attr}` }));
      throw new ApiError(error.status, problems);
    }
  }

  /** Saves the column with the workflow that was saved. @returns {Promise<{group: Group, wasAutomatic: boolean}>} */
  async saveGroup() {
    const { group: _, ...body } = /** @type {any} */ (this.read());
    const whole = { ...body, workflow: this.workflow?.id };
    const { group } = this;
    const saved = group
      ? await call(
          "PATCH",
          `${this.base}/groups/${group.id}/${this.outputs?.areDropped ? "?columns=drop" : ""}`,
          changes(group, whole),
        )
      : await this.post(`${this.base}/groups/`, whole);
    this.unchanged = this.said();
    return { group: saved, wasAutomatic: group?.auto_run ?? false };
  }
}

/** What differs from what the server has. @param {any} group @param {Record<string, any>} whole */
function changes(group, whole) {
  return Object.fromEntries(Object.entries(whole).filter(([name, value]) => !same(value, group[name])));
}

/** @param {string} title @param {HTMLElement} content */
function section(title, content) {
  return make("section", { class: "panel-section" }, [make("h3", {}, [title]), content]);
}
