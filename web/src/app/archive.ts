// The archive in the page itself, written by `tenure export --to html`, as a source.

import { check } from "../schema/check.ts";
import type { Archive, ArchivedDiagram, Lens, Lifecycle } from "../schema/messages.ts";
import { type Source, SourceError, type SourceEvents } from "./source.ts";
import { choiceOf, formatHash, isSameLens, lensOf, NOW, subjectOf } from "./subject.ts";

export class ArchiveSource implements Source {
  readonly #archive: Archive;
  readonly #events: SourceEvents;
  readonly #lifecycles: Map<string, Lifecycle>;
  #isConnected = false;
  #lens: Lens | null = null;

  constructor(archive: Archive, events: SourceEvents) {
    this.#archive = archive;
    this.#events = events;
    this.#lifecycles = new Map(archive.lifecycles.map((lifecycle) => [lifecycle.id, lifecycle]));
  }

  connect(): void {
    const { overview, left_out: leftOut, lifecycles_left_out: lifecyclesLeftOut, remedy } = this.#archive;
    const hasEverything = this.#find(lensOf(NOW, [])) !== undefined;
    this.#events.connection({ kind: "recorded", hasEverything, leftOut, lifecyclesLeftOut, remedy });
    this.#events.now(overview.now_ns);
    this.#events.overview(overview);
    this.#isConnected = true;
    this.#sendPage();
  }

  subscribe(lens: Lens): void {
    this.#lens = lens;
    this.#sendPage();
  }

  refresh(): void {
    this.#sendPage();
  }

  lifecycle(id: string): Promise<Lifecycle | null> {
    return Promise.resolve(this.#lifecycles.get(id) ?? null);
  }

  async mermaid(lens: Lens): Promise<string> {
    const diagram = this.#find(lens);
    if (!diagram) throw new SourceError(NOT_IN_PAGE);
    return diagram.mermaid;
  }

  #sendPage(): void {
    const lens = this.#lens;
    if (!this.#isConnected || !lens) return;
    const diagram = this.#find(lens);
    if (!diagram) {
      this.#events.problem(NOT_IN_PAGE);
      return;
    }
    const { steps, earlier, open, internal } = diagram;
    const now_ns = this.#archive.overview.now_ns;
    this.#events.page({ type: "page", token: "", lens, now_ns, steps, earlier, open, internal });
  }

  /** An archive has no diagrams with single folds unfolded: if one fold is unfolded, all are. */
  #find(lens: Lens): ArchivedDiagram | undefined {
    const drawn = lens.opened.length > 0 ? { ...lens, fold: false, opened: [] } : lens;
    const view = this.#archive.views.find((candidate) => isSameLens(candidate.lens, drawn));
    return view && this.#archive.pictures[view.picture];
  }
}

const NOT_IN_PAGE =
  "this page does not contain this diagram, because its size is limited (export the trace with --trace)";

/** The archive in the page's own text, or null if the page has none. Throws SchemaError. */
export async function readArchive(element: HTMLElement | null): Promise<Archive | null> {
  if (!element) return null;
  const packed = Uint8Array.from(atob(element.textContent ?? ""), (letter) => letter.charCodeAt(0));
  const text = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));
  return check<Archive>("Archive", await text.json());
}

/** The hash of the archive's first diagram. */
export function firstHash({ views }: Archive): string {
  const subject = views[0] && subjectOf(views[0].lens);
  return formatHash(subject ? choiceOf(subject, NOW) : NOW);
}
