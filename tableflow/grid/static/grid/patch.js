/**
 * Brings a region up to a newer rendering of it and touches only what differs: scroll, focus, selection and an open
 * editor stay. Elements of `data-live` are replaced where they differ; the rows of a table (`tr[id]`) cell by cell; the
 * items of a `data-live-list` by their ids, but for one with a form in which somebody has typed.
 */

/**
 * @param {HTMLElement} region
 * @param {HTMLElement} fresh
 */
export function patch(region, fresh) {
  region.toggleAttribute("data-active", fresh.hasAttribute("data-active"));
  for (const next of fresh.querySelectorAll("[data-live]")) {
    const now = region.querySelector(`[data-live="${CSS.escape(next.getAttribute("data-live") ?? "")}"]`);
    if (!now) continue;
    if (now instanceof HTMLTableSectionElement && now.tagName === "TBODY") patchRows(now, /** @type {any} */ (next));
    else if (differs(now, next)) now.replaceWith(document.adoptNode(next));
  }
  for (const next of fresh.querySelectorAll("[data-live-list]")) {
    const now = region.querySelector(`[data-live-list="${CSS.escape(next.getAttribute("data-live-list") ?? "")}"]`);
    if (now) patchItems(now, next);
  }
  region.dispatchEvent(new Event("patched"));
}

/**
 * @param {Element} list
 * @param {Element} fresh
 */
function patchItems(list, fresh) {
  const wanted = new Set(Array.from(fresh.children, (item) => item.id));
  for (const item of [...list.children]) {
    // What is being sent stays until the answer has come: whoever sent it is to be told.
    if (!wanted.has(item.id) && !item.querySelector("form[data-sending]")) item.remove();
  }
  [...fresh.children].forEach((next, place) => {
    const now = document.getElementById(next.id);
    const stays = now && (now.outerHTML === next.outerHTML || now.querySelector("form[data-touched]"));
    if (now && !stays) now.remove();
    const item = stays ? now : document.adoptNode(next);
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
}

/**
 * Whether a piece is to be replaced: by the digest of what it shows where it bears one.
 * @param {Element} now
 * @param {Element} next
 */
function differs(now, next) {
  const shape = next.getAttribute("data-shape");
  return shape ? shape !== now.getAttribute("data-shape") : now.outerHTML !== next.outerHTML;
}

/**
 * @param {HTMLTableSectionElement} body
 * @param {HTMLTableSectionElement} fresh
 */
function patchRows(body, fresh) {
  const wanted = new Set([...fresh.rows].map((row) => row.id));
  for (const row of [...body.rows]) if (!wanted.has(row.id)) row.remove();
  [...fresh.rows].forEach((next, place) => {
    const now = document.getElementById(next.id);
    if (now instanceof HTMLTableRowElement && now.cells.length === next.cells.length) patchCells(now, next);
    else now?.remove();
    const row = now?.isConnected ? now : document.adoptNode(next);
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
  });
}

/**
 * @param {HTMLTableRowElement} row
 * @param {HTMLTableRowElement} fresh
 */
function patchCells(row, fresh) {
  [...fresh.cells].forEach((next, place) => {
    const now = row.cells[place];
    if (now.innerHTML === next.innerHTML && sameFace(now, next)) return;
    const landed = now.dataset.face !== "value" && next.dataset.face === "value";
    now.innerHTML = next.innerHTML;
    now.className = next.className;
    now.dataset.face = next.dataset.face ?? "";
    now.title = next.title;
    now.classList.toggle("landed", landed);
  });
}

/**
 * @param {HTMLElement} now
 * @param {HTMLElement} next
 */
function sameFace(now, next) {
  return (now.dataset.face ?? "") === (next.dataset.face ?? "") && now.title === next.title;
}
