/** The REST API, as the page's own session: one call, one kind of error. */

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

/** @returns {string} */
function token() {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  return field?.value ?? "";
}

/**
 * Calls the API and gives its answer, null when it has no body. Throws ApiError.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] JSON, or a FormData
 * @returns {Promise<any>}
 */
export async function call(method, path, body) {
  const isForm = body instanceof FormData;
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  const sent = body === undefined || isForm ? body : JSON.stringify(body);
  const response = await answer(path, { method, headers, body: /** @type {any} */ (sent) });
  const text = await response.text();
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
    return await fetch(path, options);
  } catch {
    throw new ApiError(0, [{ attr: null, code: "offline", detail: "The server does not answer. Try again." }]);
  }
}

/** @param {string} text */
function read(text) {
  try {
    return text ? JSON.parse(text) : null;
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
