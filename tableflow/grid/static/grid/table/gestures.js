/**
 * Running and stopping: each is one request, whatever the number of rows. What it will do shows at once in the cells
 * that are seen, until the server's own answer comes; it is taken back where the server refuses.
 */

import { ApiError, call } from "../api.js";
import { MOST_UNASKED } from "../automatic.js";
import { ask, tell } from "../dialogs.js";
import { cells, fix, MOST_LISTED } from "./scope.js";
import { isLacking, outputs, stateOf } from "./states.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("../core/store.js").Face} Face */
/** @typedef {import("./scope.js").Scope} Scope */
/** @typedef {import("./states.js").State} State */
/** @typedef {"all" | "incomplete" | "failed" | "stale" | "new"} Mode */

/** @type {Face} */
const QUEUED = { kind: "queued", pill: "Queued", tone: "queued", dimmed: true, status: "pending" };
/** @type {Face} */
const CANCELLED = { pill: "Cancelled", tone: "cancelled", status: "cancelled" };

/** So long a request waits for the one before it. */
const PATIENCE_MS = 5000;

/** Which cells it obviously begins with; of the others the server tells. @type {Record<Mode, (state: State) => boolean>} */
const BEGINS = {
  all: () => true,
  incomplete: isLacking,
  failed: ({ status }) => status === "error",
  stale: () => false,
  new: () => false,
};

/** @typedef {ReturnType<typeof gestures>} Gestures */

/** @param {Sheet} sheet */
export function gestures(sheet) {
  /** Those that the server has not answered yet, the oldest first. @type {Assumption[]} */
  const pending = [];
  let isHolding = false;
  /** @type {Promise<void>} */
  let last = Promise.resolve();

  /**
   * @param {Scope} scope
   * @param {Mode} mode
   * @param {number} [most] it completes after so many rows
   */
  function run(scope, mode, most) {
    const starts = (/** @type {State} */ state) => !state.busy && state.kind !== "waiting" && BEGINS[mode](state);
    const limit = most === undefined ? {} : { limit: { type: "rows", max: most } };
    const rows = named(scope);
    return assuming(scope, most === undefined ? starts : () => false, QUEUED, async () => {
      const body = { groups: scope.groups, mode, ...(await rows), ...limit };
      await call("POST", `${sheet.base}/dispatches/`, body);
    });
  }

  /** Every cell of it, also one that has a value: whether so many are meant is asked. @param {Scope} scope */
  async function rerun(scope) {
    named(scope);
    const count = scope.groups.length * scope.rows.count;
    const number = cells(count);
    const text = "Also the cells that have a value. A value stays until the new one lands.";
    const yes = count <= MOST_UNASKED || (await ask({ title: `Re-run ${number}?`, text, yes: `Re-run ${number}` }));
    if (yes) await run(scope, "all");
  }

  /** @param {Scope | null} scope null: all that runs in the table */
  function stop(scope) {
    const all = { groups: sheet.schema.groups.map(({ id }) => id), rows: { covers: () => true } };
    const rows = scope && named(scope);
    return assuming(
      scope ?? all,
      ({ busy }) => busy,
      CANCELLED,
      async () => {
        const what = scope ? { groups: scope.groups, ...(await rows) } : {};
        const { cancelled, dispatches } = await call("POST", `${sheet.base}/cancel-runs/`, what);
        const met = `${cells(cancelled)} ${cancelled === 1 ? "was" : "were"} under way`;
        const rest = "what is done stays, what had not begun is left out.";
        tell(dispatches ? `Stopped. ${met}; ${rest}` : "Nothing was running.");
      },
    );
  }

  /** @param {number[]} [groups] whose runs are paused, also in their other columns; those of the table when absent */
  async function pause(groups) {
    await call("POST", `${sheet.base}/pause-runs/`, { groups });
    sheet.refresh();
  }

  /** What stays paused is told. @param {number[]} [groups] */
  async function resume(groups) {
    const { refused } = await call("POST", `${sheet.base}/resume-runs/`, { groups });
    sheet.refresh();
    if (refused.length) tell(refused[0].detail);
  }

  /**
   * @param {{groups: number[], rows: Pick<import("./scope.js").Rows, "covers">}} scope
   * @param {(state: State) => boolean} becomes
   * @param {Face} face
   * @param {() => Promise<void>} does
   */
  async function assuming(scope, becomes, face, does) {
    const assumed = new Assumption(sheet, scope, becomes, face);
    const mine = inTurn(last, does);
    last = mine;
    pending.push(assumed);
    hold();
    const refusal = await mine.catch((/** @type {Error} */ error) => error);
    pending.splice(pending.indexOf(assumed), 1);
    if (refusal) assumed.takeBack();
    sheet.refresh();
    if (refusal) throw refusal;
  }

  /** What is fetched before the answers have come knows nothing of them: the assumptions are made again, in their order. */
  function hold() {
    if (isHolding) return;
    isHolding = true;
    for (const assumed of pending) assumed.make();
    isHolding = false;
  }

  sheet.store.addEventListener("change", hold);
  return { run, rerun, stop, pause, resume };
}

/** How a request names the rows as they are now. ApiError: they are too many. @param {Scope} scope */
function named({ rows }) {
  if (rows.listed <= MOST_LISTED) return fix(rows);
  const [most, these] = [MOST_LISTED, rows.listed].map((number) => number.toLocaleString("en"));
  const detail = `At most ${most} selected rows can be run or stopped at once; these are ${these}. Filter them, or choose all.`;
  throw new ApiError(400, [{ attr: "rows", code: "too_many", detail }]);
}

/**
 * Whoever stops what he has just run means that run: requests go one after the other, as long as none takes long.
 *
 * @param {Promise<void>} before
 * @param {() => Promise<void>} does
 */
async function inTurn(before, does) {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  await Promise.race([before.catch(() => {}), late]); // whoever asked for it has been told what was refused
  await does();
}

/** What a gesture will make of the cells that are seen. */
class Assumption {
  /**
   * @param {Sheet} sheet
   * @param {{groups: number[], rows: Pick<import("./scope.js").Rows, "covers">}} scope
   * @param {(state: State) => boolean} becomes whether a cell in this state gets the face; not in that of the face
   * @param {Face} face
   */
  constructor(sheet, { groups, rows }, becomes, face) {
    this.sheet = sheet;
    this.groups = groups;
    this.rows = rows;
    this.becomes = becomes;
    this.face = face;
    /** What the server says of them, by row. @type {Map<number, Record<string, Face>>} */
    this.before = new Map();
  }

  /** Cells that bear the face already stay. */
  make() {
    const { sheet, before } = this;
    const [from, to] = sheet.store.wanted;
    for (let index = from; index < to; index++) {
      const row = sheet.store.row(index);
      if (!row || !this.rows.covers(row, index)) continue;
      const becoming = this.groups.filter((id) => this.becomes(stateOf(sheet, row, id)));
      const keys = becoming.flatMap((id) => outputs(sheet, id));
      if (!keys.length) continue;
      const theirs = Object.fromEntries(keys.map((key) => [key, row.faces?.[key] ?? {}]));
      before.set(row.id, { ...before.get(row.id), ...theirs });
      sheet.store.assume(index, { faces: Object.fromEntries(keys.map((key) => [key, assumed(row, key, this.face)])) });
    }
  }

  takeBack() {
    const { store } = this.sheet;
    for (const [id, faces] of this.before) store.assume(store.indexOf(id), { faces });
  }
}

/**
 * @param {import("../core/store.js").Row} row
 * @param {string} key
 * @param {Face} face
 * @returns {Face}
 */
function assumed(row, key, face) {
  const ran = row.faces?.[key]?.ran ? { ran: true } : {};
  return face === CANCELLED && !(key in row.values) ? { ...face, ...ran, kind: "cancelled" } : { ...face, ...ran };
}
