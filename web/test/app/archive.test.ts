import { describe, expect, test } from "vitest";
import { ArchiveSource, firstHash, readArchive } from "../../src/app/archive.ts";
import { lensOf, NOW, parseHash } from "../../src/app/subject.ts";
import type { Archive, ArchivedDiagram } from "../../src/schema/messages.ts";
import { message } from "../steps.ts";

const everything = lensOf(NOW, []);
const unfolded = { ...everything, fold: false };
const trace = lensOf(parseHash("#trace=ab"), []);

function picture(id: string): ArchivedDiagram {
  return { steps: [message(id, "p1 ->> p2")], earlier: 0, mermaid: `sequence of ${id}` };
}

const archive: Archive = {
  overview: { type: "overview", now_ns: 5, processes: [], traces: [], resources: [], exporters: [] },
  views: [
    { lens: everything, picture: 0 },
    { lens: unfolded, picture: 1 },
  ],
  pictures: [picture("folded"), picture("drawn out")],
  lifecycles: [],
  left_out: 1,
};

function opened(of: Archive) {
  const heard: unknown[] = [];
  const source = new ArchiveSource(of, {
    connection: (state) => heard.push(state),
    page: ({ lens, steps }) => heard.push([lens, steps.map(({ id }) => id)]),
    operations: () => heard.push("operations"),
    overview: ({ now_ns }) => heard.push(`overview of ${now_ns}`),
    now: (nowNs) => heard.push(`now ${nowNs}`),
    problem: (detail) => heard.push(detail),
  });
  return { source, heard };
}

describe("an archive", () => {
  /** It tells once what it is and how all stood at its end, then the picture that is asked for. */
  test("answers like a collector that stands still", () => {
    const { source, heard } = opened(archive);
    source.subscribe(everything);
    expect(heard).toEqual([]);
    source.connect();
    expect(heard).toEqual([
      { kind: "recorded", hasEverything: true, leftOut: 1 },
      "now 5",
      "overview of 5",
      [everything, ["folded"]],
    ]);
    source.subscribe(unfolded);
    expect(heard.at(-1)).toEqual([unfolded, ["drawn out"]]);
  });

  /** A fold that is opened shows the picture with nothing folded, under the lens that was asked for. */
  test("opens all folds where one is opened", () => {
    const { source, heard } = opened(archive);
    const lens = { ...everything, opened: ["f1"] };
    source.connect();
    source.subscribe(lens);
    expect(heard.at(-1)).toEqual([lens, ["drawn out"]]);
  });

  /** What was left out for the page's size is said, and is no blank page. */
  test("says what it does not carry", async () => {
    const { source, heard } = opened(archive);
    source.connect();
    source.subscribe(trace);
    expect(heard.at(-1)).toMatch(/^this page does not contain this diagram/);
    await expect(source.mermaid(trace)).rejects.toThrow("does not contain this diagram");
    await expect(source.mermaid(everything)).resolves.toBe("sequence of folded");
  });

  /** One made of a trace begins with it, and has no entry for everything. */
  test("begins with what stands first in it", () => {
    const ofTrace = { ...archive, views: [{ lens: trace, picture: 0 }] };
    expect(firstHash(archive)).toBe("#now");
    expect(firstHash(ofTrace)).toBe("#trace=ab");
    const { source, heard } = opened(ofTrace);
    source.connect();
    expect(heard[0]).toEqual({ kind: "recorded", hasEverything: false, leftOut: 1 });
  });

  /** As `tenure export` writes it: JSON, gzipped, in base64. */
  test("is read from the page's text", async () => {
    const packed = new Blob([JSON.stringify(archive)]).stream().pipeThrough(new CompressionStream("gzip"));
    const text = Buffer.from(await new Response(packed).arrayBuffer()).toString("base64");
    expect(await readArchive({ textContent: text } as HTMLElement)).toEqual(archive);
    expect(await readArchive(null)).toBeNull();
  });
});
