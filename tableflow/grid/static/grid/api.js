/** The REST API, as the page's own session: one call, one kind of error. */

import * as exact from "./exact.js";

/** How long a piece of the page may take before it counts as not answered. */
export const PATIENCE_MS = 20_000;
/** The same for a call of the API, which may write many rows. Files take as long as they take. */
const CALL_MS = 60_000;

/** @typedef {{attr: string | null, code: string, detail: string}} Problem */

/** What the server (or the network) refused; `problems` says what and, where known, in which field. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when there was no answer
   * @param {Problem[]} problems
   */
  constructor(status, problems) {
    super(problems.map((problem) => problem.detail).join(" "));
    this.status = status;
    this.problems = problems;
  }
}

/** What shows the server that a request comes from its own page. @returns {string} */
export function token() {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  return field?.value ?? "";
}

/**
 * Calls the API and gives its answer, null when it has no body. Throws ApiError.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] JSON, or a FormData
 * @param {AbortSignal} [abort] gives the call up
 * @param {{patience?: number, headers?: Record<string, string>}} [more] how long it may take, in ms, and more headers
 * @returns {Promise<any>}
 */
export async function call(method, path, body, abort, { patience = CALL_MS, headers: more = {} } = {}) {
  const isForm = body instanceof FormData;
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "X-CSRFToken": token(), ...more };
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  const sent = body === undefined || isForm ? body : JSON.stringify(body);
  const ends = isForm ? [] : [AbortSignal.timeout(patience)];
  const signal = AbortSignal.any(abort ? [abort, ...ends] : ends);
  const { response, text } = await answer(path, { method, headers, body: /** @type {any} */ (sent), signal });
  const data = read(text);
  if (!response.ok) throw new ApiError(response.status, problems(response, data));
  return data;
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function answer(path, options) {
  try {
    const response = await fetch(path, options);
    return { response, text: await response.text() };
  } catch {
    throw new ApiError(0, [{ attr: null, code: "offline", detail: "The server does not answer. Try again." }]);
  }
}

/**
 * A piece of a page, as the server renders it; null when it is refused or does not come in time.
 * @param {string} path
 * @returns {Promise<string | null>}
 */
export async function piece(path) {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}

/** @param {string} text */
function read(text) {
  try {
    return text ? exact.parse(text) : null;
  } catch {
    return null;
  }
}

/**
 * @param {Response} response
 * @param {any} data
 * @returns {Problem[]}
 */
function problems(response, data) {
  if (Array.isArray(data?.errors)) return data.errors;
  return [{ attr: null, code: "failed", detail: `The server answered ${response.status} ${response.statusText}.` }];
}
