/**
 * The panel beside the grid in which a workflow column is made and changed: its workflow, picked or written right there,
 * what that reads and fills, and when it runs. Everything is judged by the server while it is typed.
 */

import { register } from "../acts.js";
import { ApiError, call } from "../api.js";
import { ask, tell } from "../dialogs.js";
import { make } from "../elements.js";
import { opened } from "../menus.js";
import { offer } from "../table/auto_run.js";
import { many } from "../words.js";
import { Form } from "./form.js";
import { trialOf } from "./trial.js";

/** @typedef {import("./form.js").Group} Group */

const MOST_WORKFLOWS = 500;
/** A trial takes two minutes at most. */
const TRIAL_MS = 130_000;
const FIRST = { type: "rows", max: 10 };

/** @param {import("../table/sheet.js").Sheet} sheet */
export function workflowPanel(sheet) {
  const panel = document.getElementById("workflow-panel");
  if (panel) new WorkflowPanel(sheet, panel).listen();
}

class WorkflowPanel {
  /**
   * @param {import("../table/sheet.js").Sheet} sheet
   * @param {HTMLElement} panel
   */
  constructor(sheet, panel) {
    this.sheet = sheet;
    this.panel = panel;
    this.frame = /** @type {HTMLFormElement} */ (panel.querySelector("form"));
    this.body = this.part("[data-body]");
    this.state = this.part("[data-state]");
    this.whole = this.part("[data-whole]");
    this.tryButton = /** @type {HTMLButtonElement} */ (this.part("[data-try]"));
    /** @type {Form | null} */
    this.form = null;
    /** @type {Element | null} What had the focus before. */
    this.from = null;
    this.generation = 0;
    this.isBusy = false;
  }

  /** @param {string} selector */
  part(selector) {
    return /** @type {HTMLElement} */ (this.panel.querySelector(selector));
  }

  listen() {
    register({
      "workflow-column": () => this.open(null),
      "edit-workflow-column": () => this.open(Number(opened().group)),
      "close-workflow-column": () => this.close(),
      "add-step": (button) => this.form?.addStep(button.dataset.type ?? ""),
    });
    this.frame.addEventListener("submit", (event) => {
      event.preventDefault();
      this.guarded(() => this.save(false));
    });
    this.part("[data-save='run']").addEventListener("click", () => this.guarded(() => this.save(true)));
    this.tryButton.addEventListener("click", () => this.guarded(() => this.try()));
    this.panel.addEventListener("keydown", (event) => this.pressed(event));
    this.sheet.addEventListener("schema", () => this.columnsChanged());
    this.sheet.selection.addEventListener("change", () => this.nameRow());
    addEventListener("beforeunload", (event) => {
      if (this.form?.isTouched) event.preventDefault();
    });
  }

  /** Esc closes, Ctrl+Enter saves; Enter alone, in a line among many, does not. @param {KeyboardEvent} event */
  pressed(event) {
    const isLine = event.target instanceof HTMLInputElement;
    if (event.defaultPrevented || event.isComposing) return;
    const isEnter = event.key === "Enter";
    if (event.key === "Escape") this.close();
    else if (isEnter && (event.ctrlKey || event.metaKey)) this.frame.requestSubmit();
    else if (!isEnter || !isLine) return;
    // Or else the browser would close with Esc what is asked.
    event.preventDefault();
  }

  /** @param {number | null} group the id of the workflow column that is to be changed; null makes one */
  async open(group) {
    if (!(await this.mayLeave())) return;
    const mine = ++this.generation;
    this.from = document.activeElement;
    const [table, workflows, types] = await Promise.all([
      call("GET", `${this.sheet.base}/`),
      all("/api/v1/workflows/"),
      all("/api/v1/step-types/"),
    ]);
    if (mine !== this.generation) return;
    const found = table.groups.find((/** @type {Group} */ each) => each.id === group) ?? null;
    if (group !== null && !found) return tell("This workflow column is gone.");
    this.begin(table, workflows, types, found);
  }

  /** @param {any} table @param {any[]} workflows @param {any[]} types @param {Group | null} group */
  begin(table, workflows, types, group) {
    this.form?.end();
    this.part("[data-title]").textContent = group ? group.name : "New workflow column";
    this.whole.textContent = "";
    this.state.textContent = "";
    offerTypes(types);
    this.form = new Form({ base: this.sheet.base, columns: table.columns, workflows, types, group }, (count) =>
      this.say(count),
    );
    this.body.replaceChildren(this.form.element);
    this.panel.hidden = false;
    this.nameRow();
    this.form.focus();
  }

  /** Whether nothing is lost when what is typed is left, or it is to be. */
  async mayLeave() {
    if (this.panel.hidden || !this.form?.isTouched) return true;
    return ask({
      title: "Close without saving?",
      text: "What you typed in the panel of the workflow column is not saved.",
      yes: "Close without saving",
      no: "Keep on editing",
      danger: true,
    });
  }

  async close() {
    if (await this.mayLeave()) this.leave();
  }

  leave() {
    this.generation += 1;
    this.form?.end();
    this.form = null;
    this.panel.hidden = true;
    if (this.from instanceof HTMLElement) this.from.focus();
    if (document.activeElement !== this.from || this.from === document.body) this.sheet.grid.focus();
  }

  /** The table has other columns: what is typed stays. */
  async columnsChanged() {
    const { form } = this;
    if (!form) return;
    try {
      const { columns } = await call("GET", `${this.sheet.base}/`);
      if (form === this.form) form.refresh(columns);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // The next hint asks again, and the server knows the columns when it is saved.
    }
  }

  nameRow() {
    if (!this.form) return;
    const { count } = this.sheet.store;
    this.tryButton.textContent = count ? `Try on row ${this.sheet.selection.active.row + 1}` : "Try on a row";
    this.tryButton.disabled = !count || this.isBusy;
    this.tryButton.title = count ? "Runs it once for this row and saves nothing" : "The table shows no rows";
  }

  /** @param {number} problems */
  say(problems) {
    this.state.textContent = problems ? many(problems, "problem") : "";
  }

  /** What is refused is told on the spot, and nothing can be pressed meanwhile. @param {() => Promise<void>} does */
  async guarded(does) {
    if (this.isBusy) return;
    this.isBusy = true;
    const held = document.activeElement;
    /** @type {NodeListOf<HTMLButtonElement>} */
    const buttons = this.panel.querySelectorAll(".panel-foot button");
    for (const button of buttons) button.disabled = true;
    this.whole.textContent = "";
    try {
      await does();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.refused(error);
    } finally {
      this.isBusy = false;
      for (const button of buttons) button.disabled = false;
      this.nameRow();
      const isLost = document.activeElement === document.body && !this.panel.hidden;
      if (isLost && held instanceof HTMLElement) held.focus();
    }
  }

  /** @param {ApiError} error @param {string} [before] what was done all the same */
  refused(error, before = "") {
    if (!this.form) return tell(error.message);
    const others = this.form.tell(error.problems);
    const said = others.map(({ attr, detail }) => (attr ? `${attr}: ${detail}` : detail)).join("\n");
    this.whole.textContent = [before, said].filter(Boolean).join("\n");
  }

  // Trying

  async try() {
    const { form } = this;
    const body = form?.readTrial();
    if (!form || !(await form.isGood(body))) return;
    const row = await this.row();
    if (!row) return;
    form.tried(make("p", { class: "soft" }, [`Running on ${row.name}…`]));
    try {
      const answer = await call("POST", `${this.sheet.base}/groups/try/`, { ...body, row: row.id }, undefined, {
        patience: TRIAL_MS,
      });
      form.tried(trialOf(answer, row.name), answer.columns);
    } catch (error) {
      form.tried(null);
      throw error;
    }
  }

  /** The active row, or the first one. */
  async row() {
    const { activeRow, selection, base } = this.sheet;
    if (activeRow) return { id: activeRow.id, name: `row ${selection.active.row + 1}` };
    const { results } = await call("GET", `${base}/rows/?limit=1`);
    return results.length ? { id: results[0].id, name: "row 1" } : null;
  }

  // Saving

  /** @param {boolean} isRun */
  async save(isRun) {
    const { form } = this;
    if (!form || !(await form.isGood())) return;
    const version = await form.saveWorkflow();
    try {
      const { group, wasAutomatic } = await form.saveGroup();
      this.leave();
      tell(`${group.name} is saved.`);
      if (group.auto_run && !wasAutomatic && !isRun) await offer(this.sheet, group.id);
      if (isRun) await call("POST", `${this.sheet.base}/dispatches/`, { groups: [group.id], limit: FIRST });
      this.sheet.refresh();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!this.form) throw error;
      this.refused(error, version ? `${version} The column is not saved yet.` : "");
    }
  }
}

/** The steps that can be added, as a menu. @param {any[]} types */
function offerTypes(types) {
  const menu = /** @type {HTMLElement} */ (document.getElementById("step-types"));
  const items = types.map(({ type, title, description }) => {
    const words = [make("strong", {}, [title]), make("span", { class: "soft" }, [description])];
    return make("button", { type: "button", role: "menuitem", data: { act: "add-step", type } }, words);
  });
  menu.replaceChildren(...items);
}

/** @param {string} address of a list that has one page @returns {Promise<any[]>} */
async function all(address) {
  return (await call("GET", `${address}?limit=${MOST_WORKFLOWS}`)).results;
}
