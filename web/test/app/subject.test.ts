import { describe, expect, test } from "vitest";
import { diagramQuery, formatHash, lensOf, NOW, parseHash } from "../../src/app/subject.ts";

describe("the address", () => {
  /** What stands in the address comes back from it. */
  test.each([
    ["#now", NOW],
    ["#trace=ab12", { ...NOW, subject: { kind: "trace", id: "ab12" } }],
    ["#task=ab-7&fold=0", { ...NOW, subject: { kind: "task", id: "ab-7" }, fold: false }],
    ["#resource=ab-1&grouped=1", { ...NOW, subject: { kind: "resource", id: "ab-1" }, grouped: true }],
    ["#process=a%26b", { ...NOW, subject: { kind: "process", id: "a&b" } }],
  ] as const)("%s", (hash, choice) => {
    expect(parseHash(hash)).toEqual(choice);
    expect(formatHash(choice)).toBe(hash);
  });

  /** What cannot be read means everything now. */
  test.each(["", "#", "#nonsense", "#trace=", "#=&=&%"])("%j is everything now", (hash) => {
    expect(parseHash(hash)).toEqual(NOW);
  });
});

/** Copy as Mermaid asks for the very picture that is shown. */
test("the diagram's query says the whole lens", () => {
  const choice = parseHash("#trace=ab&fold=0&grouped=1");
  expect(diagramQuery(lensOf(choice, ["f1", "f2"]), 500)).toBe(
    "trace=ab&fold=0&opened=f1&opened=f2&tasks=coroutine&limit=500&format=mermaid",
  );
});
