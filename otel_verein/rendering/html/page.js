"use strict";
(() => {
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

  // Sorting: numbers by value, the rest as text; what is not known stays last whichever way.
  const key = (row, column) => {
    const value = row.cells[column].dataset.v;
    return value === undefined || value === "" ? null : value;
  };
  const compare = (one, other, numbers) =>
    numbers ? Number(one) - Number(other) : one.localeCompare(other, undefined, { numeric: true });

  const sort = (table, head) => {
    const column = head.cellIndex;
    const numbers = head.classList.contains("number");
    const before = head.getAttribute("aria-sort");
    const descending = before ? before === "ascending" : numbers;
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows).map((row) => [key(row, column), row]);
    rows.sort(([one], [other]) => {
      if (one === null || other === null) return (one === null) - (other === null);
      return descending ? compare(other, one, numbers) : compare(one, other, numbers);
    });
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of all("table.sortable")) {
    for (const head of table.tHead.rows[0].cells) {
      head.querySelector("button").addEventListener("click", () => sort(table, head));
    }
  }

  // Searching: what does not hold every word is hidden.
  const field = document.querySelector("#search");
  const said = document.querySelector("#found");
  const places = all("[data-search]");
  const search = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const place of places) {
      place.hidden = !words.every((word) => place.dataset.search.includes(word));
      shown += place.hidden ? 0 : 1;
    }
    said.textContent = words.length ? `${shown} of ${places.length} shown` : "";
  };
  if (field) {
    field.closest(".search").hidden = false;
    field.addEventListener("input", search);
  }

  // A link to a trace opens it.
  const open = () => {
    const target = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", open);
  open();

  // On paper, traces are open, and the spans in them are not.
  addEventListener("beforeprint", () => {
    for (const trace of all("details.trace")) trace.open = true;
  });
})();
