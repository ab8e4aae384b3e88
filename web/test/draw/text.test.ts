import { describe, expect, test } from "vitest";
import { sinceFirst } from "../../src/draw/gutter.ts";
import { centerInView } from "../../src/draw/marks/center_in_view.ts";
import { noteText } from "../../src/draw/marks/note.ts";
import { tagText } from "../../src/draw/open_tags.ts";
import { Layout } from "../../src/layout/layout.ts";
import { leadThatFits, noteWidth } from "../../src/layout/note_width.ts";
import { rowsBetween } from "../../src/layout/rows_between.ts";
import { NOTE_PADDING } from "../../src/layout/sizes.ts";
import { truncate, truncateMiddle } from "../../src/layout/truncate.ts";
import type { Note } from "../../src/schema/messages.ts";
import { declare, note, use } from "../steps.ts";

const measure = (text: string) => 10 * [...text].length;

describe("text on one line", () => {
  /** A text that fits is unchanged. A longer one loses whole characters. Line ends become blanks. */
  test.each([
    ["main", 40, "main"],
    ["main", 39, "ma…"],
    ["a\r\nb\tc", 100, "a b c"],
    ["😀😀😀😀", 30, "😀😀…"],
    ["x".repeat(4000), 100, `${"x".repeat(9)}…`],
    ["wide", 5, "…"],
  ])("%j in %i px", (text, width, expected) => {
    expect(truncate(text, width, measure)).toBe(expected);
  });
});

describe("a sentence on one line", () => {
  /** A longer one keeps its start and its end. */
  test.each([
    ["main", 40, "main"],
    ["RuntimeError: <Lock> is bound to a different event loop", 300, "RuntimeError: <…ent event loop"],
    ["😀😀😀😀", 30, "😀…😀"],
    [`${"x".repeat(4000)}!`, 50, "xx…x!"],
    ["wide", 5, "…"],
  ])("%j in %i px", (text, width, expected) => {
    expect(truncateMiddle(text, width, measure)).toBe(expected);
  });
});

describe("times", () => {
  /** The gutter shows the time since the first step, in a form that suits its size. */
  test.each([
    [0, "0"],
    [25_000, "25 µs"],
    [1_234_000, "1.2 ms"],
    [118_000_000, "118 ms"],
    [12_340_000_000, "12.34 s"],
    [192_300_000_000, "3:12.3"],
  ])("%i ns is %s", (ns, text) => {
    expect(sinceFirst(ns)).toBe(text);
  });

  /** The note of an open lifecycle ticks by the collector's clock and is never negative. */
  test("an open note ticks", () => {
    expect([noteText("still held", ", ", 0, 32e9), noteText("still held", ", ", 5e9, 0)]).toEqual([
      "still held, 32 s",
      "still held, <1 s",
    ]);
  });
});

/** A ticking note's text stays within its box for an hour, and its time is never cut. */
test.each(["still held", `waits for ${"x".repeat(99)} (shop.py:41) and 2 more, connecting at first`])(
  "a note fits: %s",
  (lead) => {
    const step = note("n", ["p1"], `${lead}, 1 s`, { lead, since_ns: 0 }) as Note;
    const text = noteText(leadThatFits(lead, measure), ", ", 0, 3599e9);
    expect(text.endsWith(", 59 min 59 s")).toBe(true);
    expect(measure(text)).toBeLessThanOrEqual(noteWidth(step, measure) - NOTE_PADDING);
  },
);

/** A tag is its note in brief: the state, and for how long in one unit. */
test.each([
  ["still held", 32, "held 32 s"],
  ["still waiting for worker-1 (shop.py:41), 2 ahead", 0.5, "waiting"],
  ["still releasing by worker-1", 3599, "releasing 59 min"],
  ["still held", 7200, "held 2 h"],
])("a tag: %s", (lead, seconds, text) => {
  expect(tagText(note("n", ["p1"], "", { lead, since_ns: 0 }) as Note, seconds * 1e9)).toBe(text);
});

/** A label stands in the middle of the visible part of its arrow, and never outside of the arrow. */
test.each([
  ["all in view", [0, 400, 100, 0, 1000], 200],
  ["its right half in view", [0, 400, 100, 200, 1000], 300],
  ["a sliver in view", [0, 400, 100, 390, 1000], 350],
  ["shorter than its label", [0, 60, 100, 0, 1000], 30],
] as const)("a label of an arrow: %s", (_, [left, right, width, viewLeft, viewRight], x) => {
  expect(centerInView(left, right, width, viewLeft, viewRight)).toBe(x);
});

/** Of 8,000 rows exactly those are found that the view shows. */
test("the rows in view", () => {
  const layout = new Layout(measure);
  const steps = [declare("p1"), declare("r1", "lock", "control")];
  for (let i = 0; i < 2000; i++) steps.push(...use(`l${i}`, "p1", "r1"));
  layout.update(steps, 0);
  const tops = rowsBetween(layout.rows, 36_010, 36_100).map((row) => row.top);
  expect(tops).toEqual([36_000, 36_036, 36_072]);
});
