/**
 * The dialog that brings a file in: it shows what the file's beginning says, asks where its columns go, says what that
 * would come to, and sends the file.
 */

import { ApiError, call } from "../api.js";
import { counted, MOST_UNASKED } from "../automatic.js";
import { ask } from "../dialogs.js";
import { make } from "../elements.js";
import { clear, show } from "../forms.js";
import { random } from "../random.js";
import { capital, many } from "../words.js";
import { Mapping } from "./mapping.js";
import { send } from "./sending.js";
import { ends, kind, placed, size, told } from "./words.js";

/** So much of a file is sent for its preview; workbooks are sent as a whole. */
const PREVIEW_BYTES = 1024 * 1024;
const PREVIEW_WORKBOOK_BYTES = 16 * 1024 * 1024;
/** So long after a choice it is asked what comes of it, unless the next one comes first. */
const PAUSE_MS = 200;
/** So many records are tried at most. */
const TRIED = 1000;
const SHOWN_PROBLEMS = 5;
const WORKBOOK = /\.xls[xm]$/i;
const MENDED = /-rejected( \(\d+\))?\.csv$/i;

/**
 * @typedef {object} Into where the files go
 * @property {string} address of the API
 * @property {() => Promise<{columns: import("./mapping.js").Column[], rows: number, automatic: number}>} look at what is
 *   there: the columns, how many rows, and how many workflow columns run by themselves
 * @property {(started: {id: number, table: number}) => void} done the file is there, and its import has begun
 */

export class ImportDialog {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {Into} into
   */
  constructor(dialog, into) {
    this.dialog = dialog;
    this.into = into;
    this.form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
    this.mapping = new Mapping(this.part("mapping"), this.types, () => this.foretellSoon());
    this.there = { columns: /** @type {import("./mapping.js").Column[]} */ ([]), rows: 0, automatic: 0 };
    /** @type {File | null} */
    this.file = null;
    /** @type {any} What the server said of the file's beginning; null where the file is too large to be looked at. */
    this.preview = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.asking = undefined;
    /** How many lines there are in the part that is sent for the preview. */
    this.lines = 0;
    this.looking = new AbortController();
    this.sending = new AbortController();
    /** What was sent last, and the word for it: without an answer the same is sent under the same word. */
    this.sent = { of: "", file: /** @type {File | null} */ (null), key: "" };
    this.listen();
  }

  listen() {
    const file = /** @type {HTMLInputElement} */ (this.form.elements.namedItem("file"));
    const sheet = /** @type {HTMLSelectElement} */ (this.form.elements.namedItem("sheet"));
    file.addEventListener("change", () => file.files?.[0] && this.choose(file.files[0]));
    sheet.addEventListener("change", () => this.look());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.dialog.addEventListener("close", () => this.leave());
    const drop = this.part("drop");
    drop.addEventListener("dragover", (event) => event.preventDefault());
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const dropped = event.dataTransfer?.files[0];
      if (dropped) this.choose(dropped);
    });
  }

  /** @param {File} [file] that was dropped onto the page */
  async open(file) {
    if (this.dialog.open) return;
    this.reset();
    this.dialog.showModal();
    try {
      this.there = await this.into.look();
    } catch (error) {
      return this.refused(error);
    }
    const count = this.dialog.querySelector("[data-row-count]");
    const { rows } = this.there;
    const those = `the ${many(rows, "row")} that ${rows === 1 ? "is" : "are"} there`;
    if (count) count.textContent = `Put them in the place of ${those}`;
    if (file) this.choose(file);
  }

  reset() {
    this.form.reset();
    clear(this.form);
    this.file = null;
    this.preview = null;
    this.part("chosen").textContent = "Drop a file here, or choose one";
    this.part("kind").textContent = "csv, tsv, jsonl or xlsx, up to 2 GB";
    this.part("foretold").replaceChildren();
    this.settle();
  }

  /** What is under way is given up. */
  leave() {
    clearTimeout(this.asking);
    this.looking.abort();
    this.sending.abort();
  }

  /** @param {File} file */
  choose(file) {
    this.reset();
    this.file = file;
    this.part("chosen").textContent = file.name;
    this.part("kind").textContent = `${size(file.size)} · looking at it…`;
    const name = this.form.elements.namedItem("name");
    if (name instanceof HTMLInputElement) name.placeholder = file.name.replace(/\.[^.]*$/, "");
    return this.look();
  }

  /** Asks what the file is; where its columns go is chosen anew. */
  async look() {
    this.preview = null;
    this.settle();
    if (this.isTooLarge) {
      this.part("kind").textContent =
        `${size(this.file?.size ?? 0)} · too large to be shown before, not to be imported`;
      return this.settle();
    }
    const seen = await this.asked({});
    if (!seen) return;
    this.lines = await ends(/** @type {File} */ (this.file).slice(0, PREVIEW_BYTES));
    this.settle();
    this.mapping.show(seen.columns, this.there.columns, MENDED.test(this.file?.name ?? ""));
    this.showSheets(seen);
    this.showRows(seen);
    this.part("kind").textContent = `${size(this.file?.size ?? 0)} · ${kind(seen)}`;
    this.tell(seen);
  }

  foretellSoon() {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.foretell(), PAUSE_MS);
  }

  /** Asks what would become of the file now. */
  async foretell() {
    const seen = await this.asked(this.mapping.read());
    if (seen) this.tell(seen);
  }

  /**
   * What the server says of the file's beginning; null when it has been asked again since, or refuses the file.
   *
   * @param {{mapping?: Record<string, string | null>, types?: Record<string, string>}} wish
   */
  async asked(wish) {
    clearTimeout(this.asking);
    this.looking.abort();
    this.looking = new AbortController();
    const { signal } = this.looking;
    const file = /** @type {File} */ (this.file);
    const beginning = WORKBOOK.test(file.name) ? file : file.slice(0, PREVIEW_BYTES);
    clear(this.form);
    try {
      const seen = await call("POST", `${this.into.address}preview/`, this.body(beginning, wish), signal);
      if (signal.aborted) return null;
      this.preview = seen;
      this.settle();
      return seen;
    } catch (error) {
      if (!signal.aborted) this.refused(error);
      return null;
    }
  }

  /**
   * @param {Blob} file
   * @param {{mapping?: Record<string, string | null>, types?: Record<string, string>}} wish
   */
  body(file, { mapping = {}, types = {} }) {
    const body = new FormData();
    const sheet = /** @type {HTMLSelectElement} */ (this.form.elements.namedItem("sheet")).value;
    body.set("file", file, this.file?.name);
    body.set("mapping", JSON.stringify(mapping));
    body.set("types", JSON.stringify(types));
    if (sheet) body.set("sheet", sheet);
    return body;
  }

  /** @param {any} seen */
  showSheets({ sheet, sheets }) {
    const choice = /** @type {HTMLSelectElement} */ (this.form.elements.namedItem("sheet"));
    choice.replaceChildren(...sheets.map((/** @type {string} */ name) => new Option(name, name)));
    if (sheet !== null) choice.value = sheet;
    this.part("sheets").hidden = sheets.length < 2;
  }

  /** @param {any} seen */
  showRows({ columns, rows }) {
    const names = columns.map((/** @type {any} */ { header }) => make("th", { scope: "col" }, [header]));
    const lines = rows.map((/** @type {(string | null)[]} */ row) =>
      make(
        "tr",
        {},
        row.map((text) => make("td", {}, [text])),
      ),
    );
    this.part("rows").replaceChildren(make("thead", {}, [make("tr", {}, names)]), make("tbody", {}, lines));
  }

  /** Says what would go wrong, and what would start. @param {any} seen */
  tell({ problems, rejected, sampled }) {
    const wrong = problems.filter((/** @type {any} */ { line }) => line === null);
    if (wrong.length) show(this.form, placed(wrong));
    const notices = [];
    if (rejected) notices.push(rejection(problems, rejected, sampled));
    if (this.cells) {
      const text = `About ${counted(this.cells)} will run by themselves when the file is in.`;
      notices.push(make("p", { class: "hint" }, [text]));
    }
    this.part("foretold").replaceChildren(...notices);
  }

  /** How many cells the file starts; an estimate by its beginning. */
  get cells() {
    return this.there.automatic * (this.rows ?? 0);
  }

  /** How many rows the file brings, by what a workbook says or by how long the first lines are; null: nobody knows. */
  get rows() {
    if (!this.file || !this.preview) return null;
    if (this.isWhole) return this.preview.sampled - this.preview.rejected;
    if (this.preview.format === "xlsx") return this.preview.rows_total;
    const lines = this.lines * Math.max(1, this.file.size / PREVIEW_BYTES);
    return Math.max(0, Math.round(lines) - (this.preview.format === "jsonl" ? 0 : 1));
  }

  /** Whether the server has tried all that is in the file. */
  get isWhole() {
    return this.preview?.sampled < TRIED && (this.file?.size ?? 0) <= PREVIEW_WORKBOOK_BYTES && !this.isCut;
  }

  /** Whether only the file's beginning was sent. */
  get isCut() {
    return this.preview?.format !== "xlsx" && (this.file?.size ?? 0) > PREVIEW_BYTES;
  }

  async submit() {
    if (!this.file || !(await this.isSure())) return;
    const wish = this.preview ? this.mapping.read() : {};
    const body = this.body(this.file, wish);
    for (const name of ["mode", "name"]) {
      const value = new FormData(this.form).get(name);
      if (typeof value === "string" && value.trim()) body.set(name, value);
    }
    await this.deliver(body);
  }

  /** @param {FormData} body */
  async deliver(body) {
    this.sending = new AbortController();
    const bar = /** @type {HTMLProgressElement} */ (this.part("sending").querySelector("progress"));
    clear(this.form);
    bar.value = 0;
    this.settle(true);
    try {
      const progress = (/** @type {number} */ percent) => {
        bar.value = percent;
      };
      const how = { key: this.keyOf(body), signal: this.sending.signal, progress };
      const started = await send(this.into.address, body, how);
      this.sent.file = null; // whoever brings it in again wants it twice
      this.dialog.close();
      this.into.done(started);
    } catch (error) {
      if (!this.sending.signal.aborted) this.refused(error);
    } finally {
      this.settle();
    }
  }

  /** @param {FormData} body */
  keyOf(body) {
    const of = JSON.stringify([...body].filter(([name]) => name !== "file"));
    if (this.sent.of !== of || this.sent.file !== this.file) this.sent = { of, file: this.file, key: random() };
    return this.sent.key;
  }

  /** Rows that go, and many cells that start, are asked for. */
  async isSure() {
    const replaces = new FormData(this.form).get("mode") === "replace" && this.there.rows > 0;
    const starts = this.cells > MOST_UNASKED;
    if (!replaces && !starts) return true;
    const what = replaces ? `replace ${many(this.there.rows, "row")}` : "";
    const does = ["Import", what, starts ? `run about ${counted(this.cells)}` : ""].filter(Boolean);
    const verb = replaces ? does.slice(1) : does;
    const texts = [
      replaces
        ? "The rows that are there now go when the file is in, with all that ran in them. This cannot be undone."
        : "",
      starts
        ? "Workflow columns with auto-run work on each new row. To import without that, turn auto-run off first."
        : "",
    ];
    const yes = capital(verb.join(" and "));
    return ask({ title: `${does.join(", and ")}?`, text: texts.filter(Boolean).join(" "), yes, danger: replaces });
  }

  /** @param {boolean} [isSending] */
  settle(isSending = false) {
    const button = /** @type {HTMLButtonElement} */ (this.part("go"));
    const isReady = this.preview !== null || (this.file !== null && this.isTooLarge);
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (this.dialog.querySelectorAll("[data-seen]"))) {
      part.hidden = !this.preview && !(isReady && !part.querySelector("table"));
    }
    if (!this.preview) this.part("sheets").hidden = true;
    this.part("sending").hidden = !isSending;
    button.disabled = isSending || !isReady;
    const rows = this.rows;
    button.textContent = isReady && rows ? `Import ${this.isWhole ? "" : "about "}${many(rows, "row")}` : "Import";
  }

  get isTooLarge() {
    return this.file !== null && WORKBOOK.test(this.file.name) && this.file.size > PREVIEW_WORKBOOK_BYTES;
  }

  /** @param {unknown} error */
  refused(error) {
    if (!(error instanceof ApiError)) throw error;
    if (!this.preview && this.file) this.part("kind").textContent = size(this.file.size);
    show(this.form, placed(error.problems));
  }

  get types() {
    return /** @type {HTMLTemplateElement} */ (this.part("types"));
  }

  /** @param {string} name @returns {HTMLElement} */
  part(name) {
    return /** @type {HTMLElement} */ (this.dialog.querySelector(`[data-${name}]`));
  }
}

/**
 * How many lines would not go in, and why the first of them.
 *
 * @param {{line: number | null, attr: string | null, detail: string}[]} problems
 * @param {number} rejected
 * @param {number} sampled
 */
function rejection(problems, rejected, sampled) {
  const first = sampled === 1 ? "the first line" : `the first ${many(sampled, "line")}`;
  const fate = rejected === sampled ? "none would go in" : `${rejected.toLocaleString("en")} would be rejected`;
  const lines = problems.filter(({ line }) => line !== null).slice(0, SHOWN_PROBLEMS);
  const items = lines.map((problem) => make("li", {}, [told(problem)]));
  return make("div", { class: "notice wait" }, [make("p", {}, [`Of ${first} ${fate}:`]), make("ul", {}, items)]);
}
