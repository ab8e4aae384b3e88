// Boxes of one height in as few rows as it takes, so that none lies on another.

export interface Box {
  readonly id: string;
  readonly left: number;
  readonly right: number;
}

/** The row of each box, from 0. One that had a row before keeps it where it can: what is read does not jump. */
export function pack(boxes: readonly Box[], before: ReadonlyMap<string, number>): Map<string, number> {
  const rows: Box[][] = [];
  const placed = new Map<string, number>();
  const isFree = (box: Box, row: number) =>
    (rows[row] ?? []).every((other) => other.right <= box.left || other.left >= box.right);
  const place = (box: Box, row: number) => {
    while (rows.length <= row) rows.push([]);
    rows[row]?.push(box);
    placed.set(box.id, row);
  };
  for (const box of boxes) {
    const row = before.get(box.id);
    if (row !== undefined && isFree(box, row)) place(box, row);
  }
  for (const box of boxes) {
    if (placed.has(box.id)) continue;
    let row = 0;
    while (!isFree(box, row)) row++;
    place(box, row);
  }
  return placed;
}
