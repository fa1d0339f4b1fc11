"use strict";
// Tables are sorted by the column whose head is pressed: numbers by size, other cells as text.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const table = head.closest("table");
    const place = [...head.parentNode.children].indexOf(head);
    const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of head.parentNode.children) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const cell = (row) => row.children[place].textContent.replaceAll("\u2212", "-").replaceAll(",", "");
    const compare = (a, b) => {
      const [x, y] = [Number.parseFloat(a), Number.parseFloat(b)];
      return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
    };
    body.append(...[...body.rows].sort((a, b) => sign * compare(cell(a), cell(b))));
  });
}
