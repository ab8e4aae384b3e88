import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Feed } from "../../src/app/feed.ts";
import type { Connection } from "../../src/app/source.ts";
import { lensOf, NOW, parseHash } from "../../src/app/subject.ts";

class Socket {
  readyState = 0;
  sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.readyState = 3;
    this.onclose?.();
  }
  accept(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  deliver(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const everything = lensOf(NOW, []);
const trace = lensOf(parseHash("#trace=ab"), []);
const open = { held: 1, waiting: 2, drawn: 3 };
const page = (lens: object, token: string) => ({
  type: "page",
  token,
  lens,
  now_ns: 1,
  steps: [],
  earlier: 0,
  open,
  internal: 0,
});
const operations = (token: string) => ({
  type: "operations",
  token,
  now_ns: 2,
  operations: [],
  earlier: 0,
  open,
  internal: 0,
});
const overview = (nowNs: number, withDiagram: boolean) => ({
  ...{ type: "overview", now_ns: nowNs, processes: [], traces: [], resources: [], exporters: [] },
  with_diagram: withDiagram,
  in_use: null,
});

function connected(refusal: string | null = null) {
  const sockets: Socket[] = [];
  const received: string[] = [];
  const states: Connection[] = [];
  const feed = new Feed(
    {
      connection: (state) => states.push(state),
      page: ({ token }) => received.push(`page ${token}`),
      operations: ({ token }) => received.push(`operations ${token}`),
      overview: ({ now_ns }) => received.push(`overview ${now_ns}`),
      now: () => undefined,
      problem: (detail) => received.push(detail),
    },
    {
      open: () => {
        sockets.push(new Socket());
        return sockets.at(-1) as unknown as WebSocket;
      },
      refusalReason: () => Promise.resolve(refusal),
      random: () => 0.5,
    },
  );
  feed.subscribe(everything, 500);
  feed.connect();
  const socket = () => sockets.at(-1) as Socket;
  return { feed, sockets, socket, received, states };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the feed", () => {
  /** The subscription is sent as soon as the socket is open, and each message is passed on. */
  test("subscribes and listens", () => {
    const { socket, received } = connected();
    socket().accept();
    socket().deliver(page(everything, "t1"));
    socket().deliver(operations("t2"));
    expect(socket().sent).toEqual([{ type: "subscribe", lens: everything, limit: 500, resume: null }]);
    expect(received).toEqual(["page t1", "operations t2"]);
  });

  /** After a lost connection it reconnects by itself, later each time, and continues from its last token. */
  test("reconnects and resumes", async () => {
    const { sockets, socket, states } = connected();
    socket().accept();
    socket().deliver(page(everything, "t1"));
    socket().close();
    await vi.advanceTimersByTimeAsync(249);
    expect(sockets.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sockets.length).toBe(2);
    socket().close();
    await vi.advanceTimersByTimeAsync(500);
    socket().accept();
    expect(socket().sent).toEqual([{ type: "subscribe", lens: everything, limit: 500, resume: "t1" }]);
    expect(states).toEqual([
      { kind: "connecting" },
      { kind: "live" },
      { kind: "gone", retryInMs: 250 },
      { kind: "connecting" },
      { kind: "gone", retryInMs: 500 },
      { kind: "connecting" },
      { kind: "live" },
    ]);
  });

  /** A collector that accepts the connection and fails at the subscription is asked less and less often. */
  test("does not hurry while it gets no answer", async () => {
    const { socket, states } = connected();
    for (const ms of [250, 500, 1_000]) {
      socket().accept();
      socket().deliver(overview(1, false));
      socket().close();
      expect(states.at(-1)).toEqual({ kind: "gone", retryInMs: ms });
      await vi.advanceTimersByTimeAsync(ms);
    }
  });

  /** It never waits longer than five seconds between two attempts. */
  test("keeps trying", async () => {
    const { sockets, socket, states } = connected();
    for (let i = 0; i < 12; i++) {
      socket().close();
      await vi.advanceTimersByTimeAsync(5_000);
    }
    expect(sockets.length).toBe(13);
    expect(states.at(-2)).toEqual({ kind: "gone", retryInMs: 5_000 });
  });

  /** Messages of an earlier subscription are dropped. */
  test("ignores what was meant for an earlier subscription", () => {
    const { feed, socket, received } = connected();
    socket().accept();
    feed.subscribe(trace, 500);
    socket().deliver(page(everything, "t1"));
    socket().deliver(operations("t2"));
    socket().deliver(page(trace, "t3"));
    socket().deliver(operations("t4"));
    expect(received).toEqual(["page t3", "operations t4"]);
  });

  /** Table, title and diagram change at once. What belongs to an earlier subscription is dropped with its overview. */
  test("shows an overview together with its diagram", () => {
    const { feed, socket, received } = connected();
    socket().accept();
    socket().deliver(overview(1, false));
    expect(received.splice(0)).toEqual(["overview 1"]);
    socket().deliver(overview(2, true));
    expect(received).toEqual([]);
    socket().deliver(page(everything, "a"));
    socket().deliver(operations("b"));
    socket().deliver(overview(3, true));
    socket().deliver(operations("c"));
    expect(received.splice(0)).toEqual(["overview 2", "page a", "operations b", "overview 3", "operations c"]);
    feed.subscribe(trace, 500);
    socket().deliver(overview(4, true));
    socket().deliver(operations("d"));
    socket().deliver(page(trace, "e"));
    expect(received).toEqual(["page e"]);
  });

  /** A collector that refuses the page is shown differently from one that does not answer. */
  test("says why it is refused", async () => {
    const { socket, states } = connected("a token is needed");
    socket().close();
    await vi.advanceTimersByTimeAsync(0);
    expect(states.at(-1)).toEqual({ kind: "refused", reason: "a token is needed" });
  });

  /** A message of another shape is reported to the reader and changes nothing. */
  test.each(['{"type": "page"}', "no JSON", '{"type": "song"}'])("does not follow %s", (data) => {
    const { socket, received } = connected();
    socket().accept();
    socket().onmessage?.({ data });
    expect(received).toHaveLength(1);
    expect(received[0]).toMatch(/^the collector and this page have different versions: .+ \(reload the page\)$/);
  });
});
