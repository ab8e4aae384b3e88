// The connection to /api/live: it comes back by itself, and goes on from where it was.

import { check, SchemaError } from "../schema/check.ts";
import type { Lens, Page, ServerMessage, Subscribe } from "../schema/messages.ts";
import type { SourceEvents } from "./source.ts";
import { isSameLens } from "./subject.ts";

/** What the feed needs of its surroundings. */
export interface Surroundings {
  open(): WebSocket;
  /** Why the collector refuses this page, or null where it does not or is not there at all. */
  refusal(): Promise<string | null>;
  random(): number;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;

export class Feed {
  readonly #events: SourceEvents;
  readonly #surroundings: Surroundings;
  #socket: WebSocket | null = null;
  #subscription: { lens: Lens; limit: number } | null = null;
  #token: string | null = null; // of the picture that the page shows
  #awaits = false; // a subscription was sent and not yet answered: operations are still of the one before
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(events: SourceEvents, surroundings: Surroundings) {
    this.#events = events;
    this.#surroundings = surroundings;
  }

  connect(): void {
    this.#timer = null;
    this.#events.connection({ kind: "connecting" });
    const socket = this.#surroundings.open();
    this.#socket = socket;
    socket.onopen = () => {
      this.#events.connection({ kind: "live" });
      this.#send();
    };
    socket.onmessage = (event) => this.#received(String(event.data));
    socket.onclose = () => void this.#lost(socket);
  }

  /** Asks for another picture. */
  subscribe(lens: Lens, limit: number): void {
    this.#subscription = { lens, limit };
    this.#token = null;
    this.#send();
  }

  /** Asks for the same picture anew, as a whole. */
  refresh(): void {
    this.#token = null;
    this.#send();
  }

  /** Tries at once, where it would have waited. */
  retryNow(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.connect();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #send(): void {
    if (!this.#subscription || this.#socket?.readyState !== 1) return;
    const message: Subscribe = { type: "subscribe", ...this.#subscription, resume: this.#token };
    this.#awaits = true;
    this.#socket.send(JSON.stringify(message));
  }

  #received(data: string): void {
    let message: ServerMessage;
    try {
      message = check<ServerMessage>("ServerMessage", JSON.parse(data));
    } catch (error) {
      if (!(error instanceof SchemaError || error instanceof SyntaxError)) throw error;
      this.#events.problem(`the collector and this page have different versions: ${error.message} (reload the page)`);
      return;
    }
    this.#follow(message);
  }

  #follow(message: ServerMessage): void {
    if ("now_ns" in message) this.#events.now(message.now_ns);
    switch (message.type) {
      case "page":
        this.#paged(message);
        break;
      case "operations":
        if (this.#awaits) return;
        this.#token = message.token;
        this.#events.operations(message);
        break;
      case "current":
        this.#answered(message.token);
        break;
      case "gap":
        break; // a page follows
      case "overview":
        this.#events.overview(message);
        break;
      case "problem":
        this.#events.problem(message.detail);
        break;
    }
  }

  #paged(page: Page): void {
    if (!this.#subscription || !isSameLens(page.lens, this.#subscription.lens)) return;
    this.#answered(page.token);
    this.#events.page(page);
  }

  /** Only an answer shows that the collector is well: one that breaks at it must not be asked four times a second. */
  #answered(token: string): void {
    this.#failures = 0;
    this.#awaits = false;
    this.#token = token;
  }

  async #lost(socket: WebSocket): Promise<void> {
    if (this.#closed || socket !== this.#socket) return;
    this.#socket = null;
    const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    const retryInMs = Math.round(delay * (0.75 + 0.5 * this.#surroundings.random()));
    this.#timer = setTimeout(() => this.connect(), retryInMs);
    this.#events.connection({ kind: "gone", retryInMs });
    const reason = await this.#surroundings.refusal();
    if (reason !== null && this.#socket === null) this.#events.connection({ kind: "refused", reason });
  }
}
