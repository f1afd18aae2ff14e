/**
 * Problems at their fields. Each place for them has a path: the `data-part`s from the panel down to it, or from the
 * nearest `data-at`, which is a path from the top. What the panel itself finds wrong stands in `data-wrong`.
 */

/** @typedef {import("../api.js").Problem} Problem */

/** @param {Element} element @param {Element} root */
function pathOf(element, root) {
  const parts = [];
  for (let at = /** @type {Element | null} */ (element); at && at !== root; at = at.parentElement) {
    const { at: whole, part } = /** @type {HTMLElement} */ (at).dataset;
    if (whole !== undefined) return [whole, ...parts].filter(Boolean).join(".");
    if (part !== undefined) parts.unshift(part);
  }
  return parts.join(".");
}

/** @param {HTMLElement} root @returns {Problem[]} what the panel itself finds wrong */
export function ownProblems(root) {
  const wrong = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-wrong]"));
  return [...wrong].map((control) => {
    return { attr: pathOf(control, root), code: "invalid", detail: control.dataset.wrong ?? "" };
  });
}

/** @param {HTMLElement} root */
export function clear(root) {
  for (const slot of root.querySelectorAll("[data-problem]")) slot.textContent = "";
  for (const control of root.querySelectorAll("[aria-invalid]")) {
    const id = slotOf(control)?.id ?? "";
    const others = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
    control.removeAttribute("aria-invalid");
    if (others.length) control.setAttribute("aria-describedby", others.join(" "));
    else control.removeAttribute("aria-describedby");
  }
}

/**
 * Tells each problem at its field, or at the nearest place around it. What is missing in a field that nobody has
 * touched is told only when `isAsked`: when somebody wants to go on.
 *
 * @param {HTMLElement} root
 * @param {Problem[]} problems
 * @param {boolean} isAsked
 * @returns {number} how many are told
 */
export function show(root, problems, isAsked) {
  clear(root);
  const found = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-problem]"));
  const slots = new Map([...found].reverse().map((slot) => [pathOf(slot, root), slot]));
  const told = problems.filter((problem) => {
    const path = problem.attr ?? "";
    const [at, slot] = nearest(slots, path);
    if (!slot || (!isAsked && isUntouched(slot))) return false;
    tell(slot, at === path ? problem.detail : `${path.slice(at ? at.length + 1 : 0)}: ${problem.detail}`);
    return true;
  });
  return told.length;
}

/** @param {Map<string, HTMLElement>} slots @param {string} path @returns {[string, HTMLElement | undefined]} */
function nearest(slots, path) {
  let at = path;
  while (at && !slots.has(at)) at = at.includes(".") ? at.slice(0, at.lastIndexOf(".")) : "";
  return [at, slots.get(at)];
}

/** @param {HTMLElement} slot @param {string} words */
function tell(slot, words) {
  slot.textContent = slot.textContent ? `${slot.textContent}\n${words}` : words;
  const control = controlOf(slot);
  if (control) {
    control.setAttribute("aria-invalid", "true");
    const described = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each !== slot.id);
    control.setAttribute("aria-describedby", [...described, slot.id].filter(Boolean).join(" "));
  }
  for (let at = slot.closest("details"); at; at = at.parentElement?.closest("details") ?? null) at.open = true;
  const body = /** @type {HTMLElement | null} */ (slot.closest(".step-body[hidden]"));
  if (body) body.hidden = false;
  body?.parentElement?.querySelector(".step-name")?.setAttribute("aria-expanded", "true");
}

/** @param {HTMLElement} slot */
function isUntouched(slot) {
  const around = slot.closest(".field");
  const control = controlOf(slot);
  if (!control)
    return !(around instanceof HTMLElement && "touched" in around.dataset) && slot.dataset.problem !== "whole";
  return control.value === "" && !(around instanceof HTMLElement && "touched" in around.dataset);
}

/** @param {HTMLElement} slot @returns {HTMLInputElement | null} */
function controlOf(slot) {
  return slot.parentElement?.querySelector(":scope > [data-control]") ?? null;
}

/** @param {Element} control @returns {Element | null} */
function slotOf(control) {
  return control.parentElement?.querySelector(":scope > [data-problem]") ?? null;
}
