// The connection to /api/live. It reconnects by itself and continues from where it was.

import { batch } from "@preact/signals";
import { check, SchemaError } from "../schema/check.ts";
import type { Lens, Overview, Page, ServerMessage, Subscribe } from "../schema/messages.ts";
import type { SourceEvents } from "./source.ts";
import { isSameLens } from "./subject.ts";

/** What the feed needs from the browser; tests replace it. */
export interface Environment {
  open(): WebSocket;
  /** Why the collector refuses this page, or null if it does not refuse it or does not answer. */
  refusalReason(): Promise<string | null>;
  random(): number;
}

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

export class Feed {
  readonly #events: SourceEvents;
  readonly #environment: Environment;
  #socket: WebSocket | null = null;
  #subscription: { lens: Lens; limit: number } | null = null;
  #token: string | null = null; // of the diagram that the page shows
  #awaitsAnswer = false; // a subscription was sent: until its answer, operations belong to the one before
  #overview: Overview | null = null; // it is shown together with the diagram that follows
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(events: SourceEvents, environment: Environment) {
    this.#events = events;
    this.#environment = environment;
  }

  connect(): void {
    this.#timer = null;
    this.#events.connection({ kind: "connecting" });
    const socket = this.#environment.open();
    this.#socket = socket;
    socket.onopen = () => {
      this.#events.connection({ kind: "live" });
      this.#send();
    };
    socket.onmessage = (event) => this.#onMessage(String(event.data));
    socket.onclose = () => void this.#onClose(socket);
  }

  /** Asks for another diagram. */
  subscribe(lens: Lens, limit: number): void {
    this.#subscription = { lens, limit };
    this.#token = null;
    this.#send();
  }

  /** Asks for the whole of the same diagram again. */
  refresh(): void {
    this.#token = null;
    this.#send();
  }

  /** Reconnects at once instead of waiting. */
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
    this.#awaitsAnswer = true;
    this.#socket.send(JSON.stringify(message));
  }

  #onMessage(data: string): void {
    let message: ServerMessage;
    try {
      message = check<ServerMessage>("ServerMessage", JSON.parse(data));
    } catch (error) {
      if (!(error instanceof SchemaError || error instanceof SyntaxError)) throw error;
      this.#events.problem(`the collector and this page have different versions: ${error.message} (reload the page)`);
      return;
    }
    if (message.type === "overview" && message.with_diagram) this.#overview = message;
    else batch(() => this.#dispatch(message));
  }

  #dispatch(message: ServerMessage): void {
    if ("now_ns" in message) this.#events.now(message.now_ns);
    switch (message.type) {
      case "page":
        this.#onPage(message);
        break;
      case "operations":
        if (this.#awaitsAnswer) {
          this.#overview = null;
          return;
        }
        this.#token = message.token;
        this.#showOverview();
        this.#events.operations(message);
        break;
      case "current":
        this.#onAnswer(message.token);
        this.#showOverview();
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

  #onPage(page: Page): void {
    if (!this.#subscription || !isSameLens(page.lens, this.#subscription.lens)) {
      this.#overview = null;
      return;
    }
    this.#onAnswer(page.token);
    this.#showOverview();
    this.#events.page(page);
  }

  #showOverview(): void {
    if (this.#overview) this.#events.overview(this.#overview);
    this.#overview = null;
  }

  /** Only an answer resets the retry delay: a collector that fails at each subscription is not asked four times a second. */
  #onAnswer(token: string): void {
    this.#failures = 0;
    this.#awaitsAnswer = false;
    this.#token = token;
  }

  async #onClose(socket: WebSocket): Promise<void> {
    if (this.#closed || socket !== this.#socket) return;
    this.#socket = null;
    const delay = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    const retryInMs = Math.round(delay * (0.75 + 0.5 * this.#environment.random()));
    this.#timer = setTimeout(() => this.connect(), retryInMs);
    this.#events.connection({ kind: "gone", retryInMs });
    const reason = await this.#environment.refusalReason();
    if (reason !== null && this.#socket === null) this.#events.connection({ kind: "refused", reason });
  }
}
