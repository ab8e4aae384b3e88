import { describe, expect, test } from "vitest";
import { DiagramModel, LostStep } from "../../src/model/diagram.ts";
import type { Operation } from "../../src/schema/messages.ts";
import { message } from "../steps.ts";

const steps = (...ids: string[]) => ids.map((id) => message(id, "p1 ->> p2"));

function modelOf(...ids: string[]): DiagramModel {
  const model = new DiagramModel();
  model.replace(steps(...ids));
  return model;
}

const ids = (model: DiagramModel) => model.steps.map((step) => step.id);

describe("operations on a diagram", () => {
  /** Each operation does what its struct says, and the first changed index is returned. */
  test.each<[string, Operation[], string[], number]>([
    ["append stands at the end", [{ op: "append", steps: steps("d", "e") }], ["a", "b", "c", "d", "e"], 3],
    ["insert stands before", [{ op: "insert", before: "b", steps: steps("x", "y") }], ["a", "x", "y", "b", "c"], 1],
    ["remove takes out", [{ op: "remove", ids: ["c", "a"] }], ["b"], 0],
    ["nothing changes nothing", [], ["a", "b", "c"], 3],
    [
      "one after the other, each on what the one before left",
      [
        { op: "remove", ids: ["b"] },
        { op: "append", steps: steps("b") },
        { op: "insert", before: "b", steps: steps("x") },
      ],
      ["a", "c", "x", "b"],
      1,
    ],
  ])("%s", (_, operations, expected, first) => {
    const model = modelOf("a", "b", "c");
    expect(model.apply(operations)).toBe(first);
    expect(ids(model)).toEqual(expected);
    expect(expected.map((id) => model.indexOf(id))).toEqual(expected.map((_, index) => index));
  });

  /** An update replaces the step at its index. */
  test("update keeps the index", () => {
    const model = modelOf("a", "b", "c");
    const changed = message("b", "p1 ->> p2", "another label");
    expect(model.apply([{ op: "update", step: changed }])).toBe(1);
    expect(model.steps).toEqual([...steps("a"), changed, ...steps("c")]);
  });

  /** An unknown step is an error. */
  test.each<Operation>([
    { op: "insert", before: "z", steps: steps("x") },
    { op: "remove", ids: ["z"] },
    { op: "update", step: message("z", "p1 ->> p2") },
  ])("an unknown step is refused: %o", (operation) => {
    expect(() => modelOf("a").apply([operation])).toThrow(LostStep);
  });
});
