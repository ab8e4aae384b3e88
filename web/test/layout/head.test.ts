import { describe, expect, test } from "vitest";
import { headOf } from "../../src/layout/head.ts";
import { HEAD_ICON, HEAD_PADDING, HEAD_TEXT_MIN } from "../../src/layout/sizes.ts";
import { participant } from "../steps.ts";

const measure = (text: string, role: string) => (role === "kind" ? 5 : 6) * [...text].length; // 17 characters a line

function linesOf(label: string, stereotype: string): string[] {
  return headOf(participant("p", label, stereotype), measure).lines.map(({ text, role }) => `${role}: ${text}`);
}

describe("a head", () => {
  /** A resource's kind stands above its name. "(2)" and "@ shop" are no names. A single line has the shape above it. */
  test.each([
    ["Lock stock_lock", ["kind: Lock", "head: stock_lock"]],
    ["Lock stock_lock @ shop", ["kind: Lock @ shop", "head: stock_lock"]],
    ["Lock Account.lock of left", ["kind: Lock", "head: Account.l…of left"]],
    ["Queue GET /orders/{number}", ["kind: Queue", "head: GET /ord…{number}"]],
    ["Pool (2)", ["kind: ", "head: Pool (2)"]],
    ["Connection @ shop", ["head: Connection", "head: @ shop"]],
    ["AsyncDatabaseConnection", ["head: AsyncDatabase", "head: Connection"]],
  ])("of the resource %j", (label, lines) => {
    expect(linesOf(label, "control")).toEqual(lines);
  });

  /** A task's name is broken evenly between words; a word that is too long is broken where the line ends. */
  test.each([
    ["main", ["head: main"]],
    ["bookkeepers", ["head: bookkeepers"]],
    ["bookKeeperOne", ["head: bookKeeperOne"]],
    ["request-12345", ["head: request-", "head: 12345"]],
    ["reserve honey for 1", ["head: reserve", "head: honey for 1"]],
    ["Customers.look_around", ["head: Customers.", "head: look_around"]],
    ["x".repeat(20), [`head: ${"x".repeat(16)}`, "head: xxxx"]],
    [`${"x".repeat(40)} y`, [`head: ${"x".repeat(16)}…`, "head: y"]],
    ["x".repeat(4000), [`head: ${"x".repeat(16)}`, `head: ${"x".repeat(16)}…`]],
  ])("of the task %j", (label, lines) => {
    expect(linesOf(label, "participant")).toEqual(lines);
  });

  /** It is as wide as its wider line, including the shape on the first, and never narrower than the minimum. */
  test("is as wide as its text", () => {
    const widthOf = (label: string, stereotype: string) => headOf(participant("p", label, stereotype), measure).width;
    expect([
      widthOf("Semaphore s", "control"),
      widthOf("Lock stock_lock", "control"),
      widthOf("a", "participant"),
    ]).toEqual([45 + HEAD_ICON, 60, HEAD_TEXT_MIN].map((width) => width + 2 * HEAD_PADDING));
  });
});
