// Boxes of one height in as few rows as possible, without overlap.

export interface Box {
  readonly id: string;
  readonly left: number;
  readonly right: number;
}

/** The row of each box, from 0. A box keeps the row that it had where that is free, so that it does not jump. */
export function pack(boxes: readonly Box[], previous: ReadonlyMap<string, number>): Map<string, number> {
  const rows: Box[][] = [];
  const rowById = new Map<string, number>();
  const isFree = (box: Box, row: number) =>
    (rows[row] ?? []).every((other) => other.right <= box.left || other.left >= box.right);
  const put = (box: Box, row: number) => {
    while (rows.length <= row) rows.push([]);
    rows[row]?.push(box);
    rowById.set(box.id, row);
  };
  for (const box of boxes) {
    const row = previous.get(box.id);
    if (row !== undefined && isFree(box, row)) put(box, row);
  }
  for (const box of boxes) {
    if (rowById.has(box.id)) continue;
    let row = 0;
    while (!isFree(box, row)) row++;
    put(box, row);
  }
  return rowById;
}
