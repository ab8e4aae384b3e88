import { describe, expect, test } from "vitest";
import { Hues } from "../../src/model/hues.ts";
import { Ranking } from "../../src/model/ranking.ts";
import { RecentUses } from "../../src/model/recent_uses.ts";
import { byService, droppedByReason } from "../../src/model/services.ts";
import type { Process, Resource, Trace, Use } from "../../src/schema/messages.ts";

const SECOND = 1e9;

function process(id: string, changes: Partial<Process> = {}): Process {
  const rest = {
    host: "h",
    pid: 1,
    python: "3.11.7",
    started_ns: 0,
    last_seen_ns: 0,
    alive: true,
    clock_skew_ms: 0,
    dropped: {},
  };
  return { id, service: "shop", name: "shop #1", ...rest, ...changes };
}

function trace(id: string, start_ns: number, services: string[]): Trace {
  return { id, name: id, services, start_ns, end_ns: null, lifecycles: 1, open: 1, errors: 0, status: null };
}

function resource(id: string, state: "waited for" | "held" | "idle", capacity: number | null = 1): Resource {
  const site = { file: "f", line: 1, function: "", expression: "", enter: "", exit: "" };
  const use: Use = { lifecycle: "l", task: { id: "t", name: "t" }, site, since_ns: 0 };
  const none = { p50: null, p95: null, p99: null };
  return {
    id,
    process: "p",
    kind: id,
    name: "",
    capacity,
    stereotype: "control",
    acquiring: 0,
    held: 0,
    releasing: 0,
    failed: 0,
    total: 0,
    holders: state === "idle" ? [] : [use],
    waiters: state === "waited for" ? [use] : [],
    wait_ms: none,
    hold_ms: none,
  };
}

describe("the rail", () => {
  /** Living services come first, each with its processes, the living first, and its traces, the newest first. */
  test("groups processes and traces by service", () => {
    const processes = [
      process("old", { service: "batch", alive: false }),
      process("b", { started_ns: 2, alive: false, last_seen_ns: 9 }),
      process("a", { started_ns: 1 }),
    ];
    const traces = [trace("t1", 1, ["shop"]), trace("t2", 2, ["shop", "batch"])];
    const groups = byService(processes, traces).map((group) => [
      group.service,
      group.processes.map(({ id }) => id),
      group.traces.map(({ id }) => id),
    ]);
    expect(groups).toEqual([
      ["shop", ["a", "b"], ["t2", "t1"]],
      ["batch", ["old"], ["t2"]],
    ]);
  });

  /** Dropped lifecycles are added up over processes, by reason. */
  test("adds up what was dropped", () => {
    const processes = [
      process("a", { dropped: { "buffer full": 2 } }),
      process("b", { dropped: { "buffer full": 3, x: 1 } }),
    ];
    expect([...droppedByReason(processes)]).toEqual([
      ["buffer full", 5],
      ["x", 1],
    ]);
  });
});

describe("the ranking of resources", () => {
  const order = (ranking: Ranking, resources: Resource[], seconds: number) =>
    ranking.sort(resources, seconds * SECOND).map(({ id }) => id);

  /** Resources with waiters come first, then held ones, then the rest; a limited resource before an unlimited one. */
  test("puts contention first", () => {
    const resources = [
      resource("idle", "idle"),
      resource("unlimited", "held", null),
      resource("held", "held"),
      resource("contended", "waited for"),
      resource("connecting", "waited for", null),
    ];
    expect(order(new Ranking(), resources, 0)).toEqual(["contended", "held", "unlimited", "connecting", "idle"]);
  });

  /** A hold of a second or more comes before a short one. A use between two updates counts as in use. */
  test("puts long holds before short ones and use before rest", () => {
    const ranking = new Ranking();
    const flickers = (total: number) => ({ ...resource("flickers", "idle"), total });
    const used = (seconds: number) => {
      const [use] = resource("x", "held").holders as [Use];
      return { ...resource("used", "held"), holders: [{ ...use, since_ns: seconds * SECOND }] };
    };
    order(ranking, [resource("idle", "idle"), flickers(5)], 100);
    const resources = [resource("idle", "idle"), flickers(6), used(100.5), resource("stuck", "held")];
    expect(order(ranking, resources, 101)).toEqual(["stuck", "flickers", "used", "idle"]);
  });

  /** A resource keeps its place for some seconds after the wait that earned it. */
  test("does not jump with every wait", () => {
    const ranking = new Ranking();
    const later = (state: "waited for" | "held", seconds: number) =>
      order(ranking, [resource("a", "held"), resource("b", state)], seconds);
    expect([later("waited for", 0), later("held", 4), later("held", 6)]).toEqual([
      ["b", "a"],
      ["b", "a"],
      ["a", "b"],
    ]);
  });
});

/** A use that has ended stays listed behind the present ones, the latest first. */
test("uses that have ended stay for three seconds", () => {
  const recentUses = new RecentUses();
  const uses = (ids: string[], seconds: number) => {
    const [use] = resource("r", "held").holders as [Use];
    const holders = ids.map((lifecycle) => ({ ...use, lifecycle }));
    const shown = recentUses.of({ ...resource("r", "idle"), holders }, "holders", seconds * SECOND);
    return shown.map(({ use, isOver }) => `${use.lifecycle}${isOver ? " over" : ""}`);
  };
  expect([uses(["a", "b"], 0), uses(["b", "c"], 1), uses(["c"], 1.5), uses([], 3.5), uses([], 9)]).toEqual([
    ["a", "b"],
    ["b", "c", "a over"],
    ["c", "b over", "a over"],
    ["c over", "b over"],
    [],
  ]);
});

/** A resource keeps its hue. Resources with a shape share no hue with those without. */
test("hues are assigned in turn and kept", () => {
  const hues = new Hues();
  const huesOf = (stereotype: string) =>
    [0, 1, 2, 3, 4, 5].map((i) => hues.of({ ref: `${stereotype}${i}`, stereotype }));
  expect([huesOf("participant"), huesOf("control")]).toEqual([
    [5, 6, 7, 5, 6, 7],
    [0, 1, 2, 3, 4, 0],
  ]);
  expect(hues.of({ ref: "control3", stereotype: "control" })).toBe(3);
});
