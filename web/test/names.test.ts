// Programs can give names that every JavaScript object inherits from its prototype. A lookup must not find the
// inherited value.

import { describe, expect, test } from "vitest";
import { glyph } from "../src/draw/marks/head.ts";
import { headOf, WITH_ICON } from "../src/layout/head.ts";
import { DiagramModel } from "../src/model/diagram.ts";
import { Hues } from "../src/model/hues.ts";
import { byService, droppedByReason } from "../src/model/services.ts";
import { check, SchemaError } from "../src/schema/check.ts";
import type { Process, ServerMessage } from "../src/schema/messages.ts";
import { note } from "./steps.ts";

const NAMES = [...Object.getOwnPropertyNames(Object.prototype), "prototype", "length", "name"];

function process(service: string, reason: string): Process {
  const rest = { host: "h", pid: 1, python: "3.11.7", started_ns: 0, last_seen_ns: 0, alive: true, clock_skew_ms: 0 };
  return { id: service, service, name: service, ...rest, dropped: Object.fromEntries([[reason, 2]]) };
}

describe.each(NAMES)("a program that uses the name %s", (name) => {
  /** A stereotype of this name is a plain participant. */
  test("draws no shape", () => {
    expect(glyph(name)).toBeNull();
    const head = (stereotype: string) =>
      headOf({ id: "p1", role: "resource", stereotype, label: "pool", ref: "", ended: false }, (text) => text.length);
    expect(head(name)).toEqual(head("participant"));
    expect(WITH_ICON.has(name)).toBe(false);
    expect(new Hues().of({ ref: name, stereotype: name })).toBe(0);
  });

  /** Lifecycles dropped for a reason of this name are added up over processes. */
  test("has its dropped lifecycles counted", () => {
    expect([...droppedByReason([process("a", name), process("b", name)])]).toEqual([[name, 4]]);
  });

  /** A service of this name is one group. */
  test("is a service of its own", () => {
    expect(byService([process(name, "x")], []).map((group) => group.service)).toEqual([name]);
  });

  /** A step with this id is found once it is there. */
  test("has a step of this id", () => {
    const diagram = new DiagramModel();
    expect(diagram.indexOf(name)).toBeUndefined();
    diagram.replace([note(name, ["p1"])]);
    expect(diagram.indexOf(name)).toBe(0);
  });

  /** A message of this type is unknown. */
  test("sends no message of this type", () => {
    expect(() => check<ServerMessage>("ServerMessage", { type: name })).toThrow(SchemaError);
    expect(() => check("Process", process(name, name))).not.toThrow();
    expect(() => check(name, {})).toThrow(SchemaError);
  });

  /** The check looks at the dropped lifecycles under this name. */
  test("is checked under this name", () => {
    const sent: unknown = JSON.parse(JSON.stringify(process(name, "x")).replace('"x":2', `"${name}":"two"`));
    expect(() => check("Process", sent)).toThrow(`$.dropped.${name}`);
  });
});
