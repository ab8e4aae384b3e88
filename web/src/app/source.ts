// Where the page's pictures come from: a collector, or what the page itself carries.

import type { Lens, Lifecycle, Operations, Overview, Page } from "../schema/messages.ts";

export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "gone"; readonly retryInMs: number }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "recorded"; readonly hasEverything: boolean; readonly leftOut: number };

/** What a source tells of. */
export interface SourceEvents {
  connection(state: Connection): void;
  page(page: Page): void;
  operations(operations: Operations): void;
  overview(overview: Overview): void;
  /** The source's clock, wall ns. */
  now(nowNs: number): void;
  /** The source or the data said no; for the reader. */
  problem(detail: string): void;
}

export interface Source {
  connect(): void;
  /** Asks for another picture. */
  subscribe(lens: Lens, limit: number): void;
  /** Asks for the same picture anew, as a whole. */
  refresh(): void;
  /** A lifecycle by its id and the time of its acquire (rounded, as it came); null where it is kept no more. */
  lifecycle(id: string, acquireNs: number): Promise<Lifecycle | null>;
  /** The picture as Mermaid text. */
  mermaid(lens: Lens, limit: number): Promise<string>;
}

/** The source cannot answer; `message` is for the reader. */
export class SourceError extends Error {}
