/** The chip in the bar that says what runs in the table, with Pause, Resume and Stop all. */

import { register } from "../acts.js";

/**
 * @param {import("./sheet.js").Sheet} sheet
 * @param {import("./gestures.js").Gestures} gestures
 */
export function chip(sheet, gestures) {
  const place = /** @type {HTMLElement} */ (document.getElementById("run-state"));
  const pill = Object.assign(document.createElement("span"), { className: "pill" });
  const because = Object.assign(document.createElement("span"), { className: "because soft" });
  const buttons = {
    pause: button("pause", "Pause"),
    resume: button("resume", "Resume"),
    stop: button("stop-all", "Stop all"),
  };

  function show() {
    const { runs } = sheet;
    place.hidden = !runs;
    if (!runs) return;
    if (pill.title !== runs.label) write(pill, runs.label);
    pill.className = `pill ${runs.face}`;
    because.textContent = because.title = runs.because;
    because.hidden = !runs.because;
    buttons.pause.hidden = !sheet.mayEdit || !runs.goingOn.length;
    buttons.resume.hidden = !sheet.mayEdit || !runs.paused.length;
    buttons.stop.hidden = !sheet.mayEdit;
  }

  place.setAttribute("role", "group");
  place.setAttribute("aria-label", "What runs");
  place.replaceChildren(pill, because, ...Object.values(buttons));
  sheet.addEventListener("runs", show);
  show();

  register({
    pause: () => gestures.pause(),
    resume: () => gestures.resume(),
    "stop-all": () => gestures.stop(null),
  });
}

/**
 * The words; on a narrow page only the first of them are shown.
 *
 * @param {HTMLElement} pill
 * @param {string} label parts with dots between them
 */
function write(pill, label) {
  const [first, ...rest] = label.split(" · ");
  pill.title = label;
  pill.replaceChildren(
    first,
    ...rest.map((part) =>
      Object.assign(document.createElement("span"), { className: "part", textContent: ` · ${part}` }),
    ),
  );
}

/** @param {string} act @param {string} text */
function button(act, text) {
  const made = Object.assign(document.createElement("button"), {
    type: "button",
    className: "button small",
    textContent: text,
  });
  made.dataset.act = act;
  return made;
}
