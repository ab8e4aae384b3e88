import { expect, test } from "vitest";
import { CROWD, GAP_CROWDED, GAP_MAX, GAP_MIN } from "../../src/layout/sizes.ts";
import { Spacing } from "../../src/layout/spacing.ts";

function spacingOf(heads: number[], needs: [number, number, number][] = []): Spacing {
  const spacing = new Spacing();
  heads.forEach((width, slot) => {
    spacing.head(slot, width);
  });
  for (const [one, other, width] of needs) spacing.need(one, other, width);
  return spacing;
}

function gapsOf(...given: Parameters<typeof spacingOf>): number[] {
  const spacing = spacingOf(...given);
  return given[0].slice(1).map((_, slot) => spacing.x(slot + 1) - spacing.x(slot));
}

/** Columns stand apart by at least the least gap, and by more where heads or labels need it, up to the greatest. */
test("the gap between neighbours follows heads and labels", () => {
  expect(gapsOf([40, 40])).toEqual([GAP_MIN]);
  expect(gapsOf([90, 110])).toEqual([105]);
  expect(gapsOf([40, 40], [[1, 0, 100]])).toEqual([104.5]);
  expect(gapsOf([40, 40], [[0, 1, 5000]])).toEqual([GAP_MAX]);
});

/** A label over several columns reaches over what is between them, and drives nothing apart. */
test("only neighbours' labels count", () => {
  expect(gapsOf([40, 40, 40], [[0, 2, 300]])).toEqual([GAP_MIN, GAP_MIN]);
});

/** Of many columns as many as possible are to be in view: labels have less of a say, heads have not. */
test("many columns stand closer", () => {
  const heads = [...Array(CROWD - 1).fill(40), 200];
  expect(gapsOf(heads, [[0, 1, 5000]])).toEqual([GAP_CROWDED, ...Array(CROWD - 3).fill(GAP_MIN), 125]);
});

/** The whole ends behind the last head, what reaches furthest, or the widest text that must find room in it. */
test("the whole is as wide as what stands in it", () => {
  const widths = [(_: Spacing) => {}, (s: Spacing) => s.overhang(1, 300), (s: Spacing) => s.least(1000)].map((ask) => {
    const spacing = spacingOf([40, 40]);
    ask(spacing);
    return spacing.width;
  });
  expect(widths).toEqual([12 + 20 + GAP_MIN + 20 + 12, 12 + 20 + GAP_MIN + 300 + 12, 1000]);
});
