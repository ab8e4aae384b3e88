// Names that programs give and that every object has from its prototype: nothing is found under them that nobody put there.

import { describe, expect, test } from "vitest";
import { glyph } from "../src/draw/marks/head.ts";
import { headOf, WITH_ICON } from "../src/layout/head.ts";
import { DiagramModel } from "../src/model/diagram.ts";
import { Hues } from "../src/model/hues.ts";
import { byService, droppedByReason } from "../src/model/rail.ts";
import { check, SchemaError } from "../src/schema/check.ts";
import type { Process, ServerMessage } from "../src/schema/messages.ts";
import { note } from "./steps.ts";

const NAMES = [...Object.getOwnPropertyNames(Object.prototype), "prototype", "length", "name"];

function process(service: string, reason: string): Process {
  const rest = { host: "h", pid: 1, python: "3.11.7", started_ns: 0, last_seen_ns: 0, alive: true, clock_skew_ms: 0 };
  return { id: service, service, ...rest, dropped: Object.fromEntries([[reason, 2]]) };
}

describe.each(NAMES)("a program that gives the name %s", (name) => {
  /** A stereotype of this name is a plain participant. */
  test("draws no shape", () => {
    expect(glyph(name)).toBeNull();
    const head = (stereotype: string) =>
      headOf({ id: "p1", role: "resource", stereotype, label: "pool", ref: "" }, (text) => text.length);
    expect(head(name)).toEqual(head("participant"));
    expect(WITH_ICON.has(name)).toBe(false);
    expect(new Hues().of({ ref: name, stereotype: name })).toBe(0);
  });

  /** What was lost for a reason of this name is counted, of one process and of two. */
  test("has its lost lifecycles counted", () => {
    expect([...droppedByReason([process("a", name), process("b", name)])]).toEqual([[name, 4]]);
  });

  /** A service of this name is one group. */
  test("is a service of its own", () => {
    expect(byService([process(name, "x")], []).map((group) => group.service)).toEqual([name]);
  });

  /** A step with this id is found once it is there. */
  test("has a step of this id", () => {
    const diagram = new DiagramModel();
    expect(diagram.placeOf(name)).toBeUndefined();
    diagram.replace([note(name, ["p1"])]);
    expect(diagram.placeOf(name)).toBe(0);
  });

  /** A message of this type is none that the page knows. */
  test("sends no message of this type", () => {
    expect(() => check<ServerMessage>("ServerMessage", { type: name })).toThrow(SchemaError);
    expect(() => check("Process", process(name, name))).not.toThrow();
    expect(() => check(name, {})).toThrow(SchemaError);
  });

  /** Lost lifecycles under this name pass the check as they came. */
  test("passes the check", () => {
    const sent: unknown = JSON.parse(JSON.stringify(process(name, "x")).replace('"x":2', `"${name}":"two"`));
    expect(() => check("Process", sent)).toThrow(`$.dropped.${name}`);
  });
});
