/** Importing: the file goes up with its progress shown; then the page follows the import until it has ended. */

import { register } from "./acts.js";
import { call } from "./api.js";
import { counted, MOST_UNASKED } from "./automatic.js";
import { ask } from "./dialogs.js";
import { clear, show } from "./forms.js";
import { Live } from "./live.js";

/** So much of a file tells how long its lines are. */
const SAMPLE_BYTES = 256 * 1024;

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("upload"));
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await mayStart(form)) send(form);
});
form?.querySelector("[type=file]")?.addEventListener("change", () => say(form));

/** Says how many cells the file will start; an estimate by its first lines.
 * @param {HTMLFormElement} of */
async function say(of) {
  const place = of.querySelector("[data-starts]");
  const cells = await started(of);
  if (place && cells) place.textContent = `About ${counted(cells)} will run by themselves when the file is in.`;
}

/** Many cells are not started by an import without a question.
 * @param {HTMLFormElement} of */
async function mayStart(of) {
  const cells = await started(of);
  if (cells <= MOST_UNASKED) return true;
  return ask({
    title: `Import, and run about ${counted(cells)}?`,
    text: "Workflow columns with auto-run work on each new row. To import without that, turn auto-run off first.",
    yes: `Import and run about ${counted(cells)}`,
  });
}

/** @param {HTMLFormElement} of */
async function started(of) {
  const file = /** @type {HTMLInputElement} */ (of.elements.namedItem("file")).files?.[0];
  const columns = Number(of.dataset.automatic ?? 0);
  return file && columns ? columns * (await estimatedRows(file)) : 0;
}

/** @param {File} file */
async function estimatedRows(file) {
  const head = file.slice(0, SAMPLE_BYTES);
  const lines = (await head.text()).split("\n").filter((line) => line.trim()).length;
  const headings = file.name.endsWith("l") ? 0 : 1;
  return Math.max(0, Math.round((lines * file.size) / Math.max(1, head.size)) - headings);
}

/** fetch tells nothing of how much has been sent: this is what XMLHttpRequest is still for.
 * @param {HTMLFormElement} of */
function send(of) {
  const request = new XMLHttpRequest();
  const slot = /** @type {HTMLElement} */ (of.querySelector("[data-progress]"));
  const bar = /** @type {HTMLProgressElement} */ (of.querySelector("progress"));
  const button = /** @type {HTMLButtonElement} */ (of.querySelector("button.main"));
  clear(of);
  slot.hidden = false;
  button.disabled = true;
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
  });
  request.addEventListener("loadend", () => {
    slot.hidden = true;
    button.disabled = false;
    if (request.status === 202) location.assign(`/imports/${JSON.parse(request.responseText).id}/`);
    else show(of, refused(request));
  });
  request.open("POST", of.dataset.upload ?? "");
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", /** @type {HTMLInputElement} */ (of.elements[0]).value);
  request.send(body(of));
}

/** @param {HTMLFormElement} of */
function body(of) {
  const data = new FormData(of);
  data.delete("csrfmiddlewaretoken");
  if (of.elements.namedItem("create_columns") && !data.has("create_columns")) data.set("create_columns", "false");
  return data;
}

/** @param {XMLHttpRequest} request */
function refused(request) {
  try {
    return JSON.parse(request.responseText).errors;
  } catch {
    return [{ attr: null, code: "offline", detail: "The file did not arrive. Try again." }];
  }
}

const region = document.querySelector("[data-live-url]");
if (region instanceof HTMLElement) follow(region);

/** @param {HTMLElement} progress */
function follow(progress) {
  const live = new Live(progress);
  const leave = () => {
    const address = progress.querySelector("[data-go]")?.getAttribute("data-go");
    if (address) location.replace(address);
  };
  register({
    "cancel-import": async (button) => {
      await call("POST", `/api/v1/imports/${button.dataset.import}/cancel/`);
      await live.invalidate();
    },
  });
  progress.addEventListener("patched", leave);
  if ("active" in progress.dataset) live.start();
}
