import { describe, expect, test } from "vitest";
import { check, SchemaError } from "../../src/schema/check.ts";
import type { ServerMessage } from "../../src/schema/messages.ts";
import { message, note } from "../steps.ts";

const page = (changes: object = {}) => ({
  type: "page",
  token: "t",
  lens: {
    trace: null,
    task: null,
    resource: null,
    process: null,
    since_ns: null,
    until_ns: null,
    fold: true,
    opened: [],
    tasks: "task",
    resources: "resource",
    internal: false,
  },
  now_ns: 1,
  steps: [message("m1", "p1 ->> p2"), note("n1", ["p1"])],
  earlier: 0,
  open: { held: 1, waiting: 0, drawn: 1 },
  internal: 0,
  ...changes,
});

describe("the check at the border", () => {
  /** A valid page passes unchanged. */
  test("lets a page through as it is", () => {
    const value = page();
    expect(check<ServerMessage>("ServerMessage", value)).toBe(value);
  });

  /** The error names the path and the value. */
  test.each([
    [page({ steps: [{ ...message("m1", "p1 ->> p2"), label: 3 }] }), "expected a string, got 3 at $.steps[0].label"],
    [page({ steps: [{ step: "dance" }] }), /^expected one of declare, .*got "dance" at \$\.steps\[0\]$/],
    [page({ steps: {} }), "expected a list, got {} at $.steps"],
    [page({ now_ns: null }), "expected a number, got null at $.now_ns"],
    [{ type: "page" }, "expected a string, got nothing at $.token"],
    [[], "expected an object, got [] at $"],
    [null, "expected an object, got null at $"],
  ])("refuses what has another shape: %#", (value, error) => {
    expect(() => check("ServerMessage", value)).toThrow(SchemaError);
    expect(() => check("ServerMessage", value)).toThrow(error);
  });
});
