import { describe, expect, test } from "vitest";
import { ArchiveSource, firstHash, readArchive } from "../../src/app/archive.ts";
import { lensOf, NOW, parseHash } from "../../src/app/subject.ts";
import type { Archive, ArchivedDiagram } from "../../src/schema/messages.ts";
import { message } from "../steps.ts";

const everything = lensOf(NOW, []);
const unfolded = { ...everything, fold: false };
const trace = lensOf(parseHash("#trace=ab"), []);

function diagram(id: string): ArchivedDiagram {
  return {
    steps: [message(id, "p1 ->> p2")],
    earlier: 0,
    internal: 0,
    mermaid: `sequence of ${id}`,
    open: { held: 0, waiting: 0, drawn: 0 },
  };
}

const archive: Archive = {
  overview: {
    type: "overview",
    now_ns: 5,
    processes: [],
    traces: [],
    resources: [],
    exporters: [],
    with_diagram: false,
    in_use: null,
  },
  views: [
    { lens: everything, picture: 0 },
    { lens: unfolded, picture: 1 },
  ],
  pictures: [diagram("folded"), diagram("drawn out")],
  lifecycles: [],
  left_out: 1,
  lifecycles_left_out: 7,
  remedy: "tenure export x.json --to html --trace ID",
};

const LEFT_OUT = { leftOut: 1, lifecyclesLeftOut: 7, remedy: archive.remedy };

function open(contents: Archive) {
  const received: unknown[] = [];
  const source = new ArchiveSource(contents, {
    connection: (state) => received.push(state),
    page: ({ lens, steps }) => received.push([lens, steps.map(({ id }) => id)]),
    operations: () => received.push("operations"),
    overview: ({ now_ns }) => received.push(`overview of ${now_ns}`),
    now: (nowNs) => received.push(`now ${nowNs}`),
    problem: (detail) => received.push(detail),
  });
  return { source, received };
}

describe("an archive", () => {
  /** It sends its state and overview once, then each diagram that is asked for. */
  test("answers like a collector that stands still", () => {
    const { source, received } = open(archive);
    source.subscribe(everything);
    expect(received).toEqual([]);
    source.connect();
    expect(received).toEqual([
      { kind: "recorded", hasEverything: true, ...LEFT_OUT },
      "now 5",
      "overview of 5",
      [everything, ["folded"]],
    ]);
    source.subscribe(unfolded);
    expect(received.at(-1)).toEqual([unfolded, ["drawn out"]]);
  });

  /** Unfolding one fold shows the diagram with nothing folded, under the lens that was asked for. */
  test("unfolds all folds when one is unfolded", () => {
    const { source, received } = open(archive);
    const lens = { ...everything, opened: ["f1"] };
    source.connect();
    source.subscribe(lens);
    expect(received.at(-1)).toEqual([lens, ["drawn out"]]);
  });

  /** A diagram that was left out because of the page's size is reported as missing, and the page is not blank. */
  test("reports a diagram that it does not contain", async () => {
    const { source, received } = open(archive);
    source.connect();
    source.subscribe(trace);
    expect(received.at(-1)).toMatch(/^this page does not contain this diagram/);
    await expect(source.mermaid(trace)).rejects.toThrow("does not contain this diagram");
    await expect(source.mermaid(everything)).resolves.toBe("sequence of folded");
  });

  /** The archive of one trace begins with that trace, and has no entry for everything. */
  test("begins with its first diagram", () => {
    const ofTrace = { ...archive, views: [{ lens: trace, picture: 0 }] };
    expect(firstHash(archive)).toBe("#now");
    expect(firstHash(ofTrace)).toBe("#trace=ab");
    const { source, received } = open(ofTrace);
    source.connect();
    expect(received[0]).toEqual({ kind: "recorded", hasEverything: false, ...LEFT_OUT });
  });

  /** The text is JSON, gzipped, in base64, as `tenure export` writes it. */
  test("is read from the page's text", async () => {
    const packed = new Blob([JSON.stringify(archive)]).stream().pipeThrough(new CompressionStream("gzip"));
    const text = Buffer.from(await new Response(packed).arrayBuffer()).toString("base64");
    expect(await readArchive({ textContent: text } as HTMLElement)).toEqual(archive);
    expect(await readArchive(null)).toBeNull();
  });
});
