import type { Row } from "./shape.ts";

/** The rows that stand between two heights, found by binary search. */
export function rowsBetween(rows: readonly Row[], top: number, bottom: number): readonly Row[] {
  const first = lowerBound(rows.length, (i) => (rows[i]?.top ?? 0) + (rows[i]?.height ?? 0) > top);
  const end = lowerBound(rows.length, (i) => (rows[i]?.top ?? 0) > bottom);
  return rows.slice(first, end);
}

/** The first of `count` indexes for which the test holds; it must hold for all after that one. */
function lowerBound(count: number, test: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
