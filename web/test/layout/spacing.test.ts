import { expect, test } from "vitest";
import { GAP_MAX, GAP_MIN } from "../../src/layout/sizes.ts";
import { Spacing } from "../../src/layout/spacing.ts";

function spacingOf(heads: number[], needs: [number, number, number][] = []): number[] {
  const spacing = new Spacing();
  heads.forEach((width, slot) => {
    spacing.head(slot, width);
  });
  for (const [one, other, width] of needs) spacing.need(one, other, width);
  return heads.slice(1).map((_, slot) => spacing.x(slot + 1) - spacing.x(slot));
}

/** Columns stand apart by at least the least gap, and by more where heads or labels need it, up to the greatest. */
test("the gap between neighbours follows heads and labels", () => {
  expect(spacingOf([64, 64])).toEqual([GAP_MIN]);
  expect(spacingOf([150, 190])).toEqual([188]);
  expect(spacingOf([64, 64], [[1, 0, 200]])).toEqual([204.5]);
  expect(spacingOf([64, 64], [[0, 1, 5000]])).toEqual([GAP_MAX]);
});

/** A label over several columns needs more room only where they are too near one another together. */
test("a long arrow's label uses the room that is there", () => {
  expect(spacingOf([64, 64, 64], [[0, 2, 200]])).toEqual([GAP_MIN, GAP_MIN]);
  expect(spacingOf([64, 64, 64], [[0, 2, 300]])).toEqual([GAP_MIN, 200.5]);
});
