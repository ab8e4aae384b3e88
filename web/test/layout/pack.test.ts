import { expect, test } from "vitest";
import { type Box, pack } from "../../src/layout/pack.ts";

const box = (id: string, left: number, right: number): Box => ({ id, left, right });
const rowsOf = (boxes: Box[], before = new Map<string, number>()) => Object.fromEntries(pack(boxes, before));

/** Boxes that overlap stand below one another, others side by side. */
test("boxes take the first row that is free where they are", () => {
  const boxes = [box("a", 0, 50), box("b", 0, 50), box("c", 50, 90), box("d", 40, 60)];
  expect(rowsOf(boxes)).toEqual({ a: 0, b: 1, c: 0, d: 2 });
});

/** A removed box leaves its row free. The others do not move, and a new box fills the free row. */
test("boxes keep their rows", () => {
  const before = new Map([
    ["a", 0],
    ["b", 1],
    ["c", 2],
  ]);
  expect(rowsOf([box("new", 0, 50), box("b", 0, 50), box("c", 0, 50)], before)).toEqual({ b: 1, c: 2, new: 0 });
});

/** When a box has grown over its neighbour, the later one of both moves. */
test("a box without room leaves its row", () => {
  const before = new Map([
    ["a", 0],
    ["b", 0],
  ]);
  expect(rowsOf([box("a", 0, 60), box("b", 50, 90)], before)).toEqual({ a: 0, b: 1 });
});
