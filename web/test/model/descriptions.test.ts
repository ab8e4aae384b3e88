import { describe, expect, test } from "vitest";
import {
  describeNow,
  describeResource,
  describeTask,
  describeTrace,
  drawnShare,
} from "../../src/model/descriptions.ts";
import type { Trace } from "../../src/schema/messages.ts";
import { declare, use } from "../steps.ts";

const SECOND = 1e9;
const steps = [declare("p1", "main"), declare("p2", "Connection", "database"), ...use("l1", "p1", "p2")];

function trace(changes: Partial<Trace>): Trace {
  const rest = { services: ["shop"], start_ns: 0, end_ns: null, lifecycles: 12, open: 1, errors: 0, status: null };
  return { id: "ab", name: "POST /orders", ...rest, ...changes };
}

describe("a trace's state in words", () => {
  /** A trace is open while the overview says so, closed once it ended, and unknown if it was open when last seen. */
  test.each([
    [trace({}), true, "open for 3 s, 12 lifecycles"],
    [trace({}), false, ""],
    [trace({ end_ns: 0.12 * SECOND, errors: 1 }), false, "closed after 120 ms, 12 lifecycles, 1 error"],
    [trace({ end_ns: 0.12 * SECOND, status: 404 }), true, "404, closed after 120 ms, 12 lifecycles"],
    [trace({ status: 200 }), true, "200, open for 3 s, 12 lifecycles"],
    [trace({ end_ns: 2 * SECOND, lifecycles: 1, errors: 2 }), true, "closed after 2.00 s, 1 lifecycle, 2 errors"],
  ])("%#", (latest, isRecent, state) => {
    expect(describeTrace("ab", latest, isRecent, steps, 3 * SECOND)).toEqual({ name: "POST /orders", state });
  });

  /** An unknown trace is named after its steps, a request after its route; without steps after its id. */
  test("a trace that is not recent", () => {
    const request = [declare("p1", "request-1"), declare("p2", "Request POST /orders", "control")];
    expect(describeTrace("ab", null, false, request, 0)).toEqual({ name: "POST /orders", state: "" });
    expect(describeTrace("ab", null, false, steps, 0)).toEqual({ name: "main: Connection", state: "" });
    expect(describeTrace("0123456789", null, false, [], 0)).toEqual({ name: "Trace 01234567", state: "" });
  });
});

/** Tasks and resources that are missing in the overview have the name of their participant. */
test("names from the diagram", () => {
  expect(describeTask("ref-p1", steps).name).toBe("main");
  expect(describeResource("ref-p2", undefined, steps).name).toBe("Connection");
  expect(describeResource("ref-p9", undefined, steps).name).toBe("Resource");
});

/** The counts are those of all that is open, also where the diagram draws a part of it. */
test("counts of what is open", () => {
  const open = { held: 400, waiting: 1423, drawn: 251 };
  expect(describeNow(open, false)).toEqual({ name: "Everything now", state: "400 held, 1,423 waiting" });
  expect(describeNow({ held: 0, waiting: 0, drawn: 0 }, true)).toEqual({ name: "Everything", state: "" });
  expect(describeNow(null, false).state).toBe("");
  expect(drawnShare(open)).toBe("251 of 1,823 open lifecycles are drawn");
  expect(drawnShare({ held: 2, waiting: 1, drawn: 3 })).toBe("");
});
