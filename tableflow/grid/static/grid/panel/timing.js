/** When the column runs: after which columns, for which rows, by itself or not, and how many cells at once. */

import { ApiError, call } from "../api.js";
import { check, field, make, slot, text } from "../elements.js";
import { many } from "../words.js";
import { Asker } from "./asker.js";
import { completes } from "./completion.js";
import { ofColumns } from "./suggestions.js";

/** @typedef {import("./suggestions.js").Column} Column */
/** @typedef {{run_after: string[], run_if: string, auto_run: boolean, concurrency: number | null}} Given */

export class Timing {
  /**
   * @param {string} base the address of the table in the API
   * @param {Given} given
   * @param {() => Column[]} columns those to the left
   */
  constructor(base, given, columns) {
    this.base = base;
    this.columns = columns;
    this.runAfter = new Set(given.run_after);
    this.boxes = make("div", { class: "checks" });
    /** @type {string | undefined} */
    this.shown = undefined;
    this.runIf = text(given.run_if, { class: "code", placeholder: "{{ row.… }}" });
    completes(this.runIf, () => ofColumns(columns()));
    this.count = make("p", { class: "hint", role: "status" });
    this.concurrency = text(given.concurrency === null ? "" : String(given.concurrency), {
      inputmode: "numeric",
      placeholder: "As many as are sensible",
    });
    const { box, label } = check("Auto-run: new rows, and rows whose values change, run by themselves", given.auto_run);
    this.autoRun = box;
    this.asker = new Asker(
      () => this.ask(),
      (answer) => this.say(answer),
    );
    this.runIf.addEventListener("input", () => this.asker.soon());
    const condition = field("Run if", this.runIf, {
      part: "run_if",
      hint: "A template. Where it comes out false, empty or 0, the cell is skipped.",
    });
    condition.append(this.count);
    this.element = make("div", { class: "stack" }, [
      make("fieldset", { class: "field", data: { part: "run_after" } }, [
        make("legend", {}, ["Run after these have a value"]),
        this.boxes,
        slot(),
      ]),
      condition,
      make("div", { class: "field", data: { part: "auto_run" } }, [label, slot()]),
      field("At most so many cells at once", this.concurrency, { part: "concurrency" }),
    ]);
    this.refresh();
    if (given.run_if) this.asker.soon();
  }

  /** @returns {Given} */
  read() {
    const cells = this.concurrency.value.trim();
    return {
      run_after: [...this.runAfter],
      run_if: this.runIf.value,
      auto_run: this.autoRun.checked,
      concurrency: cells === "" ? null : Number.isNaN(Number(cells)) ? /** @type {any} */ (cells) : Number(cells),
    };
  }

  /** Other columns, or other ones to the left. One that is ticked stays, also where it may not be any more. */
  refresh() {
    const left = this.columns();
    const gone = [...this.runAfter].filter((key) => !left.some((column) => column.key === key));
    const all = [...left.map(({ key, name }) => [key, name]), ...gone.map((key) => [key, `${key} (not to the left)`])];
    const shown = JSON.stringify(all);
    if (this.shown === shown) return;
    this.shown = shown;
    this.boxes.replaceChildren(...all.map(([key, name]) => this.box(key, name)));
    if (!all.length) this.boxes.append(make("p", { class: "hint" }, ["There are no columns to the left."]));
  }

  /** @param {string} key @param {string} name */
  box(key, name) {
    const { box, label } = check(name, this.runAfter.has(key));
    box.addEventListener("change", () => (box.checked ? this.runAfter.add(key) : this.runAfter.delete(key)));
    return label;
  }

  /** How many rows match. */
  async ask() {
    if (!this.runIf.value.trim()) return null;
    try {
      return await call("POST", `${this.base}/groups/run-if/`, { run_if: this.runIf.value });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { problem: { code: "failed", detail: error.message }, checked: 0 };
    }
  }

  /** @param {any} answer */
  say(answer) {
    this.count.textContent = answer === null ? "" : matching(answer);
  }
}

/** @param {any} answer of run-if */
function matching({ checked, matching, failed, total, is_all, problem }) {
  if (!checked) return problem && problem.code === "failed" ? problem.detail : "";
  const of = is_all
    ? many(total, "row")
    : `the first ${many(checked, "row")} (there are ${total.toLocaleString("en")})`;
  const failing = failed ? ` For ${many(failed, "row")} it fails: ${problem?.detail ?? ""}` : "";
  return `Holds for ${matching.toLocaleString("en")} of ${of}.${failing}`;
}
