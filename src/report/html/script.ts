/**
 * Filters and sorts the table of workloads. Without it, the page shows all workloads, those with work
 * left first.
 */
export const SCRIPT = `"use strict";
const table = document.getElementById("workload-rows");
const controls = document.getElementById("filter");
if (table && controls) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const texts = new Map();
  const search = document.getElementById("filter-text");
  const selects = Array.from(controls.querySelectorAll("select"));
  const shown = document.getElementById("filter-count");
  const numbers = new Intl.NumberFormat("en");

  const textOf = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };
  const apply = () => {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const wanted = selects.filter((select) => select.value !== "");
    let found = 0;
    for (const row of rows) {
      const matches =
        wanted.every((select) => row.dataset[select.dataset.field] === select.value) &&
        words.every((word) => textOf(row).includes(word));
      row.hidden = !matches;
      if (matches) found += 1;
    }
    shown.textContent = numbers.format(found) + " of " + numbers.format(rows.length) + " shown";
  };

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.key === undefined ? cell.textContent : cell.dataset.key;
  };
  const compare = (one, other) => {
    const [first, second] = [Number(one), Number(other)];
    if (one !== "" && other !== "" && !Number.isNaN(first) && !Number.isNaN(second)) {
      return first - second;
    }
    return one < other ? -1 : one > other ? 1 : 0;
  };
  const sort = (header) => {
    const direction = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    const keys = new Map(rows.map((row) => [row, keyOf(row, header.cellIndex)]));
    rows.sort((a, b) => compare(keys.get(a), keys.get(b)) * direction);
    body.append(...rows);
  };

  for (const header of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => sort(header));
  }
  for (const link of document.querySelectorAll("a[data-select]")) {
    link.addEventListener("click", () => {
      search.value = "";
      for (const select of selects) {
        const field = select.dataset.field;
        const value = link.dataset[field];
        select.value = value === undefined ? "" : value;
      }
      apply();
    });
  }
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("reset", () => setTimeout(apply));
  search.addEventListener("input", apply);
  for (const select of selects) select.addEventListener("change", apply);
  controls.hidden = false;
  apply();
}
`;
