/**
 * The lists of runs and of workers: the filter form is kept in the address, from which a reload, a bookmark and the
 * step back take it; arrow keys go from row to row.
 */

const filter = document.getElementById("filter");
const page = /** @type {HTMLInputElement} */ (document.getElementById("page"));

// Before htmx hears of it: what is fetched for another filter begins with its first page.
filter?.addEventListener("change", () => {
  page.value = "1";
  const fields = new FormData(/** @type {HTMLFormElement} */ (filter));
  const said = [...fields].filter(([, value]) => value !== "");
  const query = new URLSearchParams(/** @type {[string, string][]} */ (said)).toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = /** @type {Element} */ (event.target).closest("tbody tr[tabindex]");
  if (!row || !step || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
});

document.addEventListener("keydown", (event) => {
  const row = event.target;
  if (event.key !== "Enter" || !(row instanceof HTMLTableRowElement)) return;
  /** @type {HTMLElement | null} */ (row.querySelector("[data-open]"))?.click();
});
