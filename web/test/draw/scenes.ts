// The scenes of the snapshots: each mark in all of its forms, and a few whole diagrams.

import type { Step } from "../../src/schema/messages.ts";
import { activate, begin, create, declare, destroy, end, message, note, use } from "../steps.ts";

const task = declare("task", "main");
const lock = declare("lock", "Lock stock_lock", "control");
const pool = declare("pool", "Pool orders (2)", "database");

/** Two of five columns are in view; rows outside of it have a hint. */
export const OFFSCREEN_VIEW: [number, number] = [70, 345];

export const MARKS: Record<string, Step[]> = {
  activation: [
    task,
    pool,
    ...use("short", "task", "pool"),
    ...use("outer", "task", "pool").slice(0, 3),
    ...use("inner", "task", "pool"),
    ...use("open", "task", "pool").slice(0, 3),
  ],
  fragment: [
    task,
    lock,
    pool,
    begin("outer", "3 times, 12 ms each"),
    ...use("lock", "task", "lock"),
    begin("inner", "20 times, 1.0 ms to 3.0 ms", "fold"),
    ...use("pool", "task", "pool"),
    end("inner"),
    end("outer"),
  ],
  head: [
    task,
    declare("request", "handle request-12345"),
    lock,
    pool,
    declare("queue", "Queue mail", "queue"),
    declare("timeout", "AsyncDatabaseConnection", "participant"),
    declare("long", "x".repeat(60)),
    create("created"),
    message("start", "task -) created", "create_task()"),
  ],
  lifeline: [
    task,
    lock,
    ...["ok", "error", "cancelled"].flatMap((outcome) => [
      create(outcome),
      message(`start ${outcome}`, `task -) ${outcome}`, "create_task()"),
    ]),
    destroy("ok"),
    message("ended ok", "ok --) task", "done", { outcome: "ok" }),
    destroy("error"),
    message("ended error", "error --x task", "ValueError: out of stock", { outcome: "error" }),
    destroy("cancelled"),
    message("ended cancelled", "cancelled --x task", "⊘ cancelled", { outcome: "cancelled" }),
  ],
  message: [
    task,
    lock,
    message("call", "task ->> lock", "acquire()"),
    message("reply", "lock -->> task", "acquired after 25 µs", { outcome: "ok" }),
    message("async", "task -) lock", "put_nowait()"),
    message("async reply", "lock --) task", "done", { outcome: "ok" }),
    message("failed call", "task -x lock", "refused", { outcome: "error" }),
    message("failed", "lock --x task", "ConnectionError: refused after 5 ms", { outcome: "error" }),
    message("cancelled", "lock --x task", "⊘ cancelled after 2.00 s", { outcome: "cancelled" }),
    message(
      "long",
      "task ->> lock",
      "a label that is longer than the gap between its columns, and is truncated in its middle",
    ),
  ],
  note: [
    task,
    lock,
    pool,
    note("info", ["task"], "body 9 µs"),
    note("wait", ["task", "lock"], "waits for worker-1 (shop.py:41), 2 ahead", { kind: "wait" }),
    note("wide", ["task", "pool"], "pool full: 2 of 2 held", { kind: "wait" }),
    note("failed", ["lock"], "failed: ValueError", { outcome: "error" }),
    note("cut", ["pool"], "abandoned: the process ended", { kind: "cut" }),
    note("ticking", ["task"], "still held, 4 s", { lead: "still held", since_ns: 0 }),
  ],
  offscreen_hint: [
    task,
    lock,
    pool,
    declare("far", "Queue mail", "queue"),
    declare("farther", "worker-1"),
    message("visible", "lock ->> pool", "in view, between its two columns"),
    message("right", "far ->> farther", "put()"),
    note("left", ["task"], "waits"),
  ],
  self_message: [
    task,
    message("body", "task ->> task", "body 9 µs"),
    message("failed", "task --x task", "ValueError: out of stock", { outcome: "error" }),
    message("cancelled", "task --x task", "⊘ cancelled", { outcome: "cancelled" }),
  ],
};

const textbook = [
  task,
  declare("connection", "AsyncDatabaseConnection", "database"),
  message("enter", "task ->> connection", "__aenter__()", { lifecycle: "l" }),
  message("acquired", "connection -->> task", "acquired after 1.00 s", { lifecycle: "l", outcome: "ok" }),
  activate("l", "connection"),
  message("body", "task ->> task", "body 9 µs", { lifecycle: "l" }),
  message("exit", "task ->> connection", "__aexit__()", { lifecycle: "l" }),
  message("released", "connection -->> task", "released after 1.00 s", {
    lifecycle: "l",
    outcome: "ok",
    deactivate: true,
  }),
];

const waiting = (waiter: string) => [
  message(`${waiter} acquire`, `${waiter} ->> pool`, "acquire()", { lifecycle: waiter }),
  note(`${waiter} waits`, [waiter, "pool"], "waits for checkout-1 (shop.py:41)", { kind: "wait", lifecycle: waiter }),
];

const contention = [
  declare("c1", "checkout-1"),
  declare("c2", "checkout-2"),
  pool,
  ...use("c1", "c1", "pool").slice(0, 3),
  ...waiting("c2"),
  ...use("c1", "c1", "pool", "error").slice(3),
  message("c2 acquired", "pool -->> c2", "acquired after 120 ms", { lifecycle: "c2", outcome: "ok" }),
  activate("c2", "pool"),
];

const tasks = [
  task,
  lock,
  ...["worker-1", "worker-2"].flatMap((id) => [create(id), message(`start ${id}`, `task -) ${id}`, "create_task()")]),
  ...use("w1", "worker-1", "lock").slice(0, 3),
  message("w2 acquire", "worker-2 ->> lock", "acquire()", { lifecycle: "w2" }),
  message("w2 cancelled", "lock --x worker-2", "⊘ cancelled after 50 ms", {
    lifecycle: "w2",
    outcome: "cancelled",
  }),
  destroy("worker-2"),
  message("w2 ended", "worker-2 --x task", "⊘ cancelled", { outcome: "cancelled" }),
  ...use("w1", "worker-1", "lock").slice(3),
  destroy("worker-1"),
  message("w1 ended", "worker-1 --) task", "done", { outcome: "ok" }),
];

const HOSTILE = ["<img src=x>", "</script>&quot;", "\u202eevil\u202c name", "two\nlines\tand tabs"];
const hostile_names = [
  ...HOSTILE.map((name, i) => declare(`p${i}`, name)),
  ...HOSTILE.map((name, i) => message(`m${i}`, `p${i} ->> p${(i + 1) % HOSTILE.length}`, name)),
  note("note", ["p1"], HOSTILE.join(" ")),
];

export const DIAGRAMS: Record<string, Step[]> = { textbook, contention, tasks, hostile_names };
