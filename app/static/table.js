// Let the columns that say so (data-sort: number or text) be sorted by a button in their heading.
// A cell is compared by its data-value, else by its text; rows without a value come last.

function valueOf(row, column, kind) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  return kind === "number" ? (text === "" ? NaN : Number(text)) : text;
}

const isMissing = (value) => value === "" || Number.isNaN(value);

function sortRows(table, column, kind, ascending) {
  const sign = ascending ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column, kind), row]);
  rows.sort(([a], [b]) => {
    if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
    return sign * (kind === "text" ? a.localeCompare(b) : a - b);
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const kind = heading.dataset.sort;
    if (!kind) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const first = kind === "number" ? "descending" : "ascending";
      const other = kind === "number" ? "ascending" : "descending";
      const order = heading.getAttribute("aria-sort") === first ? other : first;
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", order);
      sortRows(table, column, kind, order === "ascending");
    });
  });
}
