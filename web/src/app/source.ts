// Where the page's diagrams come from: a collector, or an archive in the page itself.

import type { Lens, Lifecycle, Operations, Overview, Page } from "../schema/messages.ts";

export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "gone"; readonly retryInMs: number }
  | { readonly kind: "refused"; readonly reason: string }
  | {
      readonly kind: "recorded";
      readonly hasEverything: boolean;
      readonly leftOut: number;
      readonly lifecyclesLeftOut: number;
      /** A command that makes a page of lifecycles that are left out; empty if there is none. */
      readonly remedy: string;
    };

/** What a source reports. */
export interface SourceEvents {
  connection(state: Connection): void;
  page(page: Page): void;
  operations(operations: Operations): void;
  overview(overview: Overview): void;
  /** The source's clock, wall ns. */
  now(nowNs: number): void;
  /** Why something cannot be shown, for the reader. */
  problem(detail: string): void;
}

export interface Source {
  connect(): void;
  /** Asks for another diagram. */
  subscribe(lens: Lens, limit: number): void;
  /** Asks for the whole of the same diagram again. */
  refresh(): void;
  /** A lifecycle by its id and the time of its acquire (wall ns, rounded); null if it is no longer stored. */
  lifecycle(id: string, acquireNs: number): Promise<Lifecycle | null>;
  /** The diagram as Mermaid text. */
  mermaid(lens: Lens, limit: number): Promise<string>;
}

/** The source cannot answer; `message` is for the reader. */
export class SourceError extends Error {}
