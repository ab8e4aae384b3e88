// A source that the page itself carries: what `tenure export --to html` wrote into it.

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
    this.#lifecycles = new Map(archive.lifecycles.map((one) => [one.id, one]));
  }

  connect(): void {
    const { overview, left_out: leftOut } = this.#archive;
    const hasEverything = this.#find(lensOf(NOW, [])) !== undefined;
    this.#events.connection({ kind: "recorded", hasEverything, leftOut });
    this.#events.now(overview.now_ns);
    this.#events.overview(overview);
    this.#isConnected = true;
    this.#answer();
  }

  subscribe(lens: Lens): void {
    this.#lens = lens;
    this.#answer();
  }

  refresh(): void {
    this.#answer();
  }

  lifecycle(id: string): Promise<Lifecycle | null> {
    return Promise.resolve(this.#lifecycles.get(id) ?? null);
  }

  async mermaid(lens: Lens): Promise<string> {
    const picture = this.#find(lens);
    if (!picture) throw new SourceError(NOT_HERE);
    return picture.mermaid;
  }

  #answer(): void {
    const lens = this.#lens;
    if (!this.#isConnected || !lens) return;
    const picture = this.#find(lens);
    if (!picture) {
      this.#events.problem(NOT_HERE);
      return;
    }
    const { steps, earlier } = picture;
    this.#events.page({ type: "page", token: "", lens, now_ns: this.#archive.overview.now_ns, steps, earlier });
  }

  /** Single folds were not drawn opened: where one is, all are. */
  #find(lens: Lens): ArchivedDiagram | undefined {
    const drawn = lens.opened.length > 0 ? { ...lens, fold: false, opened: [] } : lens;
    const view = this.#archive.views.find((one) => isSameLens(one.lens, drawn));
    return view && this.#archive.pictures[view.picture];
  }
}

const NOT_HERE = "this page does not contain this diagram, because its size is limited (export the trace with --trace)";

/** The archive in the page's own text, or null where it has none. Throws SchemaError. */
export async function readArchive(element: HTMLElement | null): Promise<Archive | null> {
  if (!element) return null;
  const packed = Uint8Array.from(atob(element.textContent ?? ""), (letter) => letter.charCodeAt(0));
  const text = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));
  return check<Archive>("Archive", await text.json());
}

/** The address's fragment of what stands first in the archive. */
export function firstHash({ views }: Archive): string {
  const subject = views[0] && subjectOf(views[0].lens);
  return formatHash(subject ? choiceOf(subject, NOW) : NOW);
}
