/**
 * Brings a tree up to a newer rendering of it and touches only what differs: scroll, focus, selection, what is open and
 * what somebody types stay. Children with an id are matched by it, the others by their tag and place.
 */

/** What a page's own scripts or its reader say of an element: a newer rendering does not know it. */
const OURS = { DETAILS: ["open"], DIALOG: ["open"] };

/**
 * @param {Node} now an element
 * @param {Node} next an element, or a fragment; it is taken apart
 * @returns {Element[]} what was put in
 */
export function children(now, next) {
  const named = new Map(ids(now));
  const wanted = new Map(ids(next));
  for (const [id, child] of named) if (!wanted.has(id)) child.remove();
  /** @type {Element[]} */
  const added = [];
  let at = now.firstChild;
  for (const fresh of [...next.childNodes]) {
    const same = named.get(idOf(fresh)) ?? (at && alike(at, fresh) ? at : null);
    if (!same || same.nodeName !== fresh.nodeName) {
      now.insertBefore(document.adoptNode(fresh), at);
      if (fresh instanceof Element) added.push(fresh);
    } else {
      if (same === at) at = at.nextSibling;
      else move(now, same, at);
      added.push(...update(same, fresh));
    }
  }
  while (at) {
    const rest = at;
    at = at.nextSibling;
    rest.remove();
  }
  return added;
}

/**
 * @param {Node} now
 * @param {Node} next
 */
function update(now, next) {
  if (now instanceof Element && next instanceof Element) {
    attributes(now, next);
    return children(now, next);
  }
  if (now.nodeValue !== next.nodeValue) now.nodeValue = next.nodeValue;
  return [];
}

/**
 * @param {Element} now
 * @param {Element} next
 */
function attributes(now, next) {
  const ours = /** @type {Record<string, string[]>} */ (OURS)[now.tagName] ?? [];
  for (const { name, value } of next.attributes) {
    if (!ours.includes(name) && now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  for (const { name } of [...now.attributes]) {
    if (!ours.includes(name) && !next.hasAttribute(name)) now.removeAttribute(name);
  }
}

/**
 * Puts a child elsewhere; where the browser can, without taking it out: focus and scroll stay then.
 *
 * @param {any} parent
 * @param {Node} child
 * @param {Node | null} before
 */
function move(parent, child, before) {
  if (parent.moveBefore && child.isConnected) parent.moveBefore(child, before);
  else parent.insertBefore(child, before);
}

/**
 * @param {Node} now
 * @param {Node} next
 */
function alike(now, next) {
  return now.nodeName === next.nodeName && !idOf(now) && !idOf(next);
}

/**
 * @param {Node} of
 * @returns {[string, Element][]}
 */
function ids(of) {
  const elements = /** @type {Element[]} */ ([...of.childNodes].filter((child) => idOf(child)));
  return elements.map((child) => [child.id, child]);
}

/** @param {Node} node */
function idOf(node) {
  return node instanceof Element ? node.id : "";
}
