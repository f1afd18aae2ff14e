/**
 * The menu Run, of all workflow columns or of one. Its choices name what they touch: the rows that are selected, those
 * that a filter or a search shows, or every one. The counts come when it opens, and none that comes too late; what is
 * known to do nothing is disabled then.
 */

import { register } from "../acts.js";
import { call } from "../api.js";
import { ask } from "../dialogs.js";
import { opened, show } from "../menus.js";
import { allGroups, cells, chosenRows, rangeGroups, rangeRows, said, shownRows } from "./scope.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("./scope.js").Scope} Scope */
/** @typedef {Record<string, number | null>} Counts */
/** @typedef {{goingOn: number[], paused: number[], wider: number[]}} Runs ids; the wider ones are of other columns too */

const FIRST = 10;
/** More columns than this are not counted one by one. */
const MOST_GROUPS = 8;

/**
 * @param {Sheet} sheet
 * @param {import("./gestures.js").Gestures} gestures
 */
export function runMenu(sheet, gestures) {
  const menu = document.getElementById("run-menu");
  if (!menu) return;
  let generation = 0;

  /** @param {string} act */
  const item = (act) => /** @type {HTMLElement} */ (menu.querySelector(`[data-act="${act}"]`));
  /** @param {string} act @param {boolean} is */
  const idle = (act, is) => {
    if (is) item(act).ariaDisabled = "true";
  };

  menu.addEventListener("beforetoggle", async (event) => {
    const mine = ++generation;
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    const groups = standsFor(sheet);
    name();
    const [counts, active] = await Promise.all([counted(sheet, groups), running(sheet, groups)]);
    if (mine !== generation) return;
    if (counts) count(counts);
    if (active) tellRuns(active);
  });

  /** What it touches, so far as it is known at once. */
  function name() {
    const [shown, chosen, stopped] = [shownRows(sheet), selectedIn(sheet), stops(sheet)];
    const among = shown.kind ? ` in ${said(shown)}` : "";
    const order = sheet.query.sort.length ? " in the table’s order" : ""; // that of all runs
    const words = {
      "run-selected": chosen ? `Run selected (${chosen.rows.count.toLocaleString("en")})` : "Run selected",
      "run-incomplete": `Run empty and failed${among}`,
      "run-failed": `Run failed${among}`,
      "run-stale": `Run stale${among}`,
      "run-first": `Run first ${FIRST}${shown.kind ? " filtered rows" : ""}${order}`,
      "run-all": shown.kind ? `Run all ${said(shown)}…` : "Run all…",
      "pause-these": "Pause",
      "resume-these": "Resume",
      stop: stopped ? `Stop in ${said(stopped.rows)}` : "Stop",
    };
    for (const [act, word] of Object.entries(words)) {
      item(act).textContent = word;
      item(act).ariaDisabled = null;
    }
    item("resume-these").hidden = !sheet.runs?.paused.length;
    idle("run-selected", !chosen);
    idle("pause-these", !sheet.runs?.goingOn.length);
    for (const act of ["run-incomplete", "run-failed", "run-stale", "run-first", "run-all"]) idle(act, !shown.count);
  }

  /** Counts are of the whole table: under a filter they only tell what is nowhere. @param {Counts[]} counts */
  function count(counts) {
    const isWhole = !shownRows(sheet).kind;
    for (const [act, field, word] of [
      ["run-failed", "error", "failed"],
      ["run-stale", "stale", "stale"],
    ]) {
      const number = sum(counts, field);
      if (number === null) continue;
      if (isWhole) item(act).textContent = `Run ${number.toLocaleString("en")} ${word}`;
      idle(act, number === 0);
    }
    const [all, completed] = [sum(counts, "total"), sum(counts, "completed")];
    for (const act of ["run-incomplete", "run-first"]) idle(act, all !== null && all === completed);
  }

  /** @param {Runs} active */
  function tellRuns(active) {
    const several = (/** @type {number[]} */ ids) =>
      (ids.length > 1 ? ` ${ids.length} runs` : "") +
      (ids.some((id) => active.wider.includes(id)) ? ", also in other columns" : "");
    item("pause-these").textContent = `Pause${several(active.goingOn)}`;
    item("resume-these").textContent = `Resume${several(active.paused)}`;
    item("pause-these").ariaDisabled = active.goingOn.length ? null : "true";
    item("resume-these").hidden = !active.paused.length;
    idle("stop", !active.goingOn.length && !active.paused.length);
  }

  /**
   * @param {import("./gestures.js").Mode} mode
   * @param {number} [most]
   */
  function run(mode, most) {
    return gestures.run({ groups: standsFor(sheet), rows: shownRows(sheet) }, mode, most);
  }

  async function runAll() {
    const [groups, rows, name] = [standsFor(sheet), shownRows(sheet), opened().name ?? ""];
    const number = cells(rows.count * groups.length);
    const which = rows.kind ? said(rows) : "every row";
    const yes = await ask({
      title: `Run ${number}?`,
      text: `${name}: ${which}, also the cells that have a value. A value stays until the new one lands.`,
      yes: `Run ${number}`,
    });
    if (yes) await gestures.run({ groups, rows }, "all");
  }

  /** @returns {boolean} whether there is one: that of the workflow column which the active cell is in */
  function openMenu() {
    sheet.grid.reveal(sheet.selection.active);
    const group = sheet.activeColumn?.group ?? "";
    const button = sheet.grid.head.querySelector(`[data-menu="run-menu"][data-group="${group}"]`);
    if (!(button instanceof HTMLElement)) return false;
    show(button);
    return true;
  }

  sheet.keymap.bind("Alt+Shift+ArrowDown", "Open the menu Run of the workflow column", openMenu);
  register({
    "run-selected": () => {
      const scope = selectedIn(sheet);
      return scope && gestures.rerun(scope);
    },
    "run-incomplete": () => run("incomplete"),
    "run-failed": () => run("failed"),
    "run-stale": () => run("stale"),
    "run-first": () => run("incomplete", FIRST),
    "run-all": runAll,
    "pause-these": () => gestures.pause(standsFor(sheet)),
    "resume-these": () => gestures.resume(standsFor(sheet)),
    stop: () =>
      gestures.stop(stops(sheet) ?? (opened().groups ? { groups: standsFor(sheet), rows: shownRows(sheet) } : null)),
  });
}

/** The ids of the workflow columns that the open menu stands for. @param {Sheet} sheet @returns {number[]} */
function standsFor(sheet) {
  const { groups } = opened();
  return groups ? JSON.parse(groups) : allGroups(sheet);
}

/**
 * What is selected in the workflow columns of the menu: the chosen rows, or a range of cells.
 *
 * @param {Sheet} sheet
 * @returns {Scope | null}
 */
function selectedIn(sheet) {
  const groups = standsFor(sheet);
  const rows = chosenRows(sheet);
  if (rows) return { groups, rows };
  const touched = rangeGroups(sheet).filter((id) => groups.includes(id));
  return touched.length && sheet.store.count ? { groups: touched, rows: rangeRows(sheet) } : null;
}

/** What Stop names; null where it is all that runs. @param {Sheet} sheet @returns {Scope | null} */
function stops(sheet) {
  const chosen = sheet.selection.hasRows || !sheet.selection.isSingle ? selectedIn(sheet) : null;
  if (chosen) return chosen;
  const rows = shownRows(sheet);
  return rows.kind ? { groups: standsFor(sheet), rows } : null;
}

/**
 * @param {Sheet} sheet
 * @param {number[]} groups
 * @returns {Promise<Runs | null>} the runs of these columns; null: it is not known
 */
async function running(sheet, groups) {
  try {
    const { dispatches } = await call("GET", `${sheet.base}/run-state/`);
    const theirs = dispatches.filter((/** @type {any} */ one) =>
      one.groups.some((/** @type {number} */ id) => groups.includes(id)),
    );
    const ids = (/** @type {boolean} */ isPaused) =>
      theirs
        .filter((/** @type {any} */ one) => (one.status === "paused") === isPaused)
        .map((/** @type {any} */ one) => one.id);
    const isWider = (/** @type {any} */ one) => one.groups.some((/** @type {number} */ id) => !groups.includes(id));
    const wider = theirs.filter(isWider).map((/** @type {any} */ one) => one.id);
    return { goingOn: ids(false), paused: ids(true), wider };
  } catch {
    return null;
  }
}

/**
 * @param {Sheet} sheet
 * @param {number[]} groups
 * @returns {Promise<Counts[] | null>} null where there are none, or too many to ask for
 */
async function counted(sheet, groups) {
  if (!groups.length || groups.length > MOST_GROUPS) return null;
  try {
    return await Promise.all(groups.map((group) => call("GET", `${sheet.base}/groups/${group}/counts/`)));
  } catch {
    return null;
  }
}

/**
 * @param {Counts[]} found
 * @param {string} name
 * @returns {number | null} null where one of them is not known
 */
function sum(found, name) {
  return found.reduce((/** @type {number | null} */ all, { [name]: one }) => {
    return all === null || one === null || one === undefined ? null : all + one;
  }, 0);
}
