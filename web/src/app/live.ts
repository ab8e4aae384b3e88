// A collector as a source: its live feed, and its API for single requests.

import type { Lens } from "../schema/messages.ts";
import { lifecycle, liveAddress, mermaidText, refusalReason } from "./api.ts";
import { Feed } from "./feed.ts";
import type { Source, SourceEvents } from "./source.ts";

export class LiveSource implements Source {
  readonly #feed: Feed;
  readonly lifecycle = lifecycle;
  readonly mermaid = mermaidText;

  constructor(events: SourceEvents) {
    this.#feed = new Feed(events, { open: () => new WebSocket(liveAddress()), refusalReason, random: Math.random });
  }

  connect(): void {
    window.addEventListener("online", () => this.#feed.retryNow());
    this.#feed.connect();
  }

  subscribe(lens: Lens, limit: number): void {
    this.#feed.subscribe(lens, limit);
  }

  refresh(): void {
    this.#feed.refresh();
  }
}
