/** Sending a file with its progress shown. fetch tells nothing of that: this is what XMLHttpRequest is still for. */

import { ApiError, token } from "../api.js";

/**
 * Gives the server's answer. Throws ApiError; AbortError when it was given up.
 *
 * @param {string} address
 * @param {FormData} body
 * @param {{key: string, signal: AbortSignal, progress: (percent: number) => void}} how `key`: what is sent under it again
 *   is not done again
 * @returns {Promise<any>}
 */
export function send(address, body, { key, signal, progress }) {
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) progress((100 * event.loaded) / event.total);
  });
  signal.addEventListener("abort", () => request.abort());
  request.open("POST", address);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", token());
  request.setRequestHeader("Idempotency-Key", key);
  return new Promise((resolve, reject) => {
    request.addEventListener("loadend", () => {
      if (signal.aborted) reject(signal.reason);
      else if (request.status === 202) resolve(JSON.parse(request.responseText));
      else reject(new ApiError(request.status, refused(request)));
    });
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function refused(request) {
  try {
    return JSON.parse(request.responseText).errors;
  } catch {
    return [{ attr: null, code: "offline", detail: "The file did not arrive. Try again." }];
  }
}
