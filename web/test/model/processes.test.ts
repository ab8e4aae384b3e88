import { describe, expect, test } from "vitest";
import { describeProcess } from "../../src/model/descriptions.ts";
import { formatStart } from "../../src/model/instants.ts";
import type { Overview, Process } from "../../src/schema/messages.ts";

const NOON = new Date(2026, 10, 30, 12, 0).getTime() * 1e6;
const HOUR = 3600e9;

const shop: Process = {
  id: "a1",
  service: "shop",
  host: "h",
  pid: 28277,
  python: "3.11.7",
  started_ns: NOON + 2 * HOUR,
  last_seen_ns: NOON + 3 * HOUR,
  alive: true,
  dropped: {},
  clock_skew_ms: 0,
  name: "shop #28277",
};

describe("a process", () => {
  const overview = (process: Process): Overview => ({
    type: "overview",
    now_ns: 0,
    processes: [process],
    traces: [],
    resources: [],
    exporters: [],
    with_diagram: false,
    in_use: null,
  });

  /** Its name is the one that every view has; its state says since when it runs, or that it has ended. */
  test("is called by service and pid", () => {
    expect(describeProcess("a1", overview(shop), NOON + 4 * HOUR)).toEqual({
      name: "shop #28277",
      state: "running, started 14:00",
    });
    expect(describeProcess("a1", overview({ ...shop, alive: false }), NOON + 4 * HOUR).state).toBe(
      "ended, started 14:00",
    );
  });

  test("that began on another day has its day", () => {
    expect(formatStart(NOON, NOON + 24 * HOUR)).toBe("30 Nov 2026, 12:00");
  });
});
