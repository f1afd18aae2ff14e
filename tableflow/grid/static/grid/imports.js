/** Importing: the file goes up with its progress shown; then the page follows the import until it has ended. */

import { register } from "./acts.js";
import { call } from "./api.js";
import { clear, show } from "./forms.js";
import { Live } from "./live.js";

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("upload"));
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  send(form);
});

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
