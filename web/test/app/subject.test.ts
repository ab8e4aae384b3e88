import { describe, expect, test } from "vitest";
import { choiceOf, diagramQuery, formatHash, lensOf, NOW, parseHash } from "../../src/app/subject.ts";

describe("the address", () => {
  /** Reading and writing an address are inverse. */
  test.each([
    ["#now", NOW],
    ["#now&fold=0&grouped=0", { ...NOW, fold: false, grouped: false }],
    ["#trace=ab12", { ...NOW, subject: { kind: "trace", id: "ab12" }, grouped: false }],
    ["#task=ab-7&fold=0", { ...NOW, subject: { kind: "task", id: "ab-7" }, fold: false, grouped: false }],
    ["#resource=ab-1&grouped=1", { ...NOW, subject: { kind: "resource", id: "ab-1" } }],
    ["#process=a%26b", { ...NOW, subject: { kind: "process", id: "a&b" } }],
    ["#now&internal=1", { ...NOW, internal: true }],
  ] as const)("%s", (hash, choice) => {
    expect(parseHash(hash)).toEqual(choice);
    expect(formatHash(choice)).toBe(hash);
  });

  /** An unreadable address means everything now. */
  test.each(["", "#", "#nonsense", "#trace=", "#=&=&%"])("%j is everything now", (hash) => {
    expect(parseHash(hash)).toEqual(NOW);
  });
});

/** Everything now groups tasks at first, one trace does not. A choice is kept between subjects of the same breadth. */
test("grouping goes with the subject", () => {
  const of = (hash: string) => choiceOf({ kind: "task", id: "t" }, parseHash(hash)).grouped;
  expect([of("#now"), of("#trace=ab"), of("#trace=ab&grouped=1")]).toEqual([false, false, true]);
});

/** Copy as Mermaid asks for exactly the diagram that is shown. */
test("the diagram's query contains the whole lens", () => {
  const choice = parseHash("#trace=ab&fold=0&grouped=1&internal=1");
  expect(diagramQuery(lensOf(choice, ["f1", "f2"]), 500)).toBe(
    "trace=ab&fold=0&opened=f1%2Cf2&tasks=coroutine&internal=1&limit=500&format=mermaid",
  );
});
