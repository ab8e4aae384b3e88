import { describe, expect, test } from "vitest";
import { formatDuration, formatPercentile, formatTicking } from "../../src/model/durations.ts";
import { processLabel, resourceLabel, shortKind, siteLabel, skewLabel } from "../../src/model/labels.ts";

describe("durations", () => {
  /** The same forms as the server's, each up to the value at which its rounding would overflow. */
  test.each([
    [0, "<1 µs"],
    [25_400, "25 µs"],
    [300_000, "0.3 ms"],
    [9_949_000, "9.9 ms"],
    [9_960_000, "10 ms"],
    [120_000_000, "120 ms"],
    [999_600_000, "1.00 s"],
    [1_002_000_000, "1.00 s"],
    [9_996_000_000, "10 s"],
    [32_100_000_000, "32 s"],
    [119_000_000_000, "119 s"],
    [125_000_000_000, "2 min 5 s"],
    [10_800_000_000_000, "3 h 0 min"],
    [11_530_000_000_000, "3 h 12 min"],
  ])("%i ns is %s", (ns, text) => {
    expect(formatDuration(ns)).toBe(text);
  });

  /** A ticking duration shows whole seconds, so that it does not flicker. */
  test.each([
    [999_999_999, "<1 s"],
    [1_999_999_999, "1 s"],
    [125_900_000_000, "2 min 5 s"],
  ])("%i ns ticks as %s", (ns, text) => {
    expect(formatTicking(ns)).toBe(text);
  });

  /** Without a measurement there is no number. */
  test("percentiles are milliseconds or a dash", () => {
    expect([formatPercentile(null), formatPercentile(0.25), formatPercentile(1200)]).toEqual(["–", "0.3 ms", "1.20 s"]);
  });
});

describe("labels", () => {
  /** A smaller skew can come from the delay of shipping. */
  test("a clock is worth a note from ten seconds on", () => {
    expect(skewLabel({ clock_skew_ms: -9_999 })).toBe("");
    expect(skewLabel({ clock_skew_ms: -10_000 })).toBe("10 s behind");
    expect(skewLabel({ clock_skew_ms: 3 * 3_600_000 })).toBe("3 h ahead");
    expect(skewLabel({ clock_skew_ms: 47 * 3_600_000 })).toBe("47 h ahead");
    expect(skewLabel({ clock_skew_ms: -1_095 * 24 * 3_600_000 })).toBe("1095 d behind");
  });

  /** The same rules as tenure_server/model/labels.py. */
  test.each([
    ["asyncio.locks.Lock", "stock_lock", 1, "Lock stock_lock"],
    ["shop.db.Pool", "orders", 2, "Pool orders (2)"],
    ["shop.Async_Pool", "asyncpool", null, "Async_Pool"],
    ["shop.main.<locals>.Connection", "", null, "Connection"],
    ["shop.db.Pool.transaction", "transaction", null, "Pool.transaction"],
    ["shop.db.transaction", "", null, "transaction"],
  ])("%s %s (%s) is %s", (kind, name, capacity, label) => {
    expect(resourceLabel({ kind, name, capacity })).toBe(label);
  });

  /** A kind without a dot is itself, and so is an empty one. */
  test("a short kind stays", () => {
    expect([shortKind("timeout"), shortKind("")]).toEqual(["timeout", ""]);
  });

  /** A file is shown by its last part, on any system. */
  test.each([
    ["/srv/shop/stock.py", "stock.py:41"],
    ["C:\\shop\\stock.py", "stock.py:41"],
    ["stock.py", "stock.py:41"],
  ])("a site in %s is %s", (file, label) => {
    expect(siteLabel({ file, line: 41, function: "", expression: "", enter: "", exit: "" })).toBe(label);
  });
});

describe("processLabel", () => {
  /** Spans may lack a process id, and "process 0" would be the scheduler. */
  test("a process without an id has no number", () => {
    const labels = [4711, 0].map((pid) => processLabel({ service: "shop", pid }));
    expect(labels).toEqual(["shop #4711", "shop"]);
    expect(processLabel({ service: "", pid: 0 })).toBe("process");
  });
});
