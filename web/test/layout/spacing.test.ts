import { expect, test } from "vitest";
import { CROWD, GAP_CROWDED, GAP_MAX, GAP_MIN } from "../../src/layout/sizes.ts";
import { Spacing } from "../../src/layout/spacing.ts";

function spacingOf(heads: number[], labels: [number, number, number][] = []): Spacing {
  const spacing = new Spacing();
  heads.forEach((width, slot) => {
    spacing.fitHead(slot, width);
  });
  for (const [slot, otherSlot, width] of labels) spacing.fitLabel(slot, otherSlot, width);
  return spacing;
}

function gapsOf(...input: Parameters<typeof spacingOf>): number[] {
  const spacing = spacingOf(...input);
  return input[0].slice(1).map((_, slot) => spacing.x(slot + 1) - spacing.x(slot));
}

/** The gap between columns is at least the minimum, and wider for heads or labels; labels widen it up to the maximum. */
test("the gap between neighbours follows heads and labels", () => {
  expect(gapsOf([40, 40])).toEqual([GAP_MIN]);
  expect(gapsOf([90, 110])).toEqual([105]);
  expect(gapsOf([40, 40], [[1, 0, 100]])).toEqual([104.5]);
  expect(gapsOf([40, 40], [[0, 1, 5000]])).toEqual([GAP_MAX]);
});

/** A label over several columns reaches over those between and widens no gap. */
test("only neighbours' labels count", () => {
  expect(gapsOf([40, 40, 40], [[0, 2, 300]])).toEqual([GAP_MIN, GAP_MIN]);
});

/** Many columns stand closer, so that more of them are in view: labels widen a gap less, heads as much as before. */
test("many columns stand closer", () => {
  const heads = [...Array(CROWD - 1).fill(40), 200];
  expect(gapsOf(heads, [[0, 1, 5000]])).toEqual([GAP_CROWDED, ...Array(CROWD - 3).fill(GAP_MIN), 125]);
});

/** The diagram ends behind the last head, the longest overhang, or the widest text, whichever is furthest right. */
test("the diagram is as wide as its content", () => {
  const widths = [(_: Spacing) => {}, (s: Spacing) => s.fitOverhang(1, 300), (s: Spacing) => s.fitWidth(1000)].map(
    (reserve) => {
      const spacing = spacingOf([40, 40]);
      reserve(spacing);
      return spacing.width;
    },
  );
  expect(widths).toEqual([12 + 20 + GAP_MIN + 20 + 12, 12 + 20 + GAP_MIN + 300 + 12, 1000]);
});
