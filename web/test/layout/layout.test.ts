import { describe, expect, test } from "vitest";
import { Layout } from "../../src/layout/layout.ts";
import type { MessageRow, NoteRow } from "../../src/layout/shape.ts";
import type { Step } from "../../src/schema/messages.ts";
import { begin, create, declare, destroy, end, message, note, use } from "../steps.ts";

const measure = (text: string) => 7 * text.length;

function layoutOf(steps: readonly Step[]): Layout {
  const layout = new Layout(measure);
  layout.update(steps, 0);
  return layout;
}

/** A whole layout as plain data, with references written as ids. */
function plain(layout: Layout) {
  return {
    height: layout.height,
    columns: layout.columns.map(({ participant, open, ...rest }) => ({
      ...rest,
      id: participant.id,
      open: open.length,
    })),
    rows: layout.rows.map((row) => ({
      ...row,
      step: row.step.id,
      ...(row.kind === "message" ? ends(row) : span(row)),
    })),
    activations: layout.activations.map((activation) => ({ ...activation, column: activation.column.participant.id })),
    fragments: layout.fragments.map((fragment) => ({ ...fragment, step: fragment.step.id })),
    tags: layout.tags.map(({ index, step, column }) => [index, step.id, column.participant.id]),
  };
}

const ends = ({ from, to }: MessageRow) => ({
  from: { ...from, column: from.column.participant.id },
  to: { ...to, column: to.column.participant.id },
});
const span = ({ first, last, anchor }: NoteRow) => ({
  first: first.participant.id,
  last: last.participant.id,
  anchor: anchor.participant.id,
});

const textbook = [declare("p1", "main"), declare("p2", "Connection", "database"), ...use("l1", "p1", "p2")];

describe("a layout", () => {
  /** The messages stand below one another, and the activation reaches from the answer to the last line. */
  test("of one lifecycle", () => {
    const layout = layoutOf(textbook);
    const [activation] = layout.activations;
    const lines = layout.rows.map((row) => (row.kind === "message" ? row.line : null));
    expect(layout.columns.map(({ slot, bottom }) => [slot, bottom])).toEqual([
      [0, null],
      [1, null],
    ]);
    expect(lines).toEqual([25, 61, 97, 133]);
    expect([activation?.top, activation?.bottom, activation?.level]).toEqual([61, 133, 0]);
    const [acquire, acquired] = layout.rows as MessageRow[];
    expect([acquire?.to.level, acquired?.from.level]).toEqual([null, 0]);
  });

  /** Activations of one resource are stacked, and each lifecycle ends its own, in any order. */
  test("stacks activations and pairs them by lifecycle", () => {
    const a = use("a", "p1", "p3");
    const b = use("b", "p2", "p3");
    const heads = [declare("p1"), declare("p2"), declare("p3", "pool", "database")];
    const layout = layoutOf([...heads, ...a.slice(0, 3), ...b.slice(0, 3), ...a.slice(3), ...b.slice(3)]);
    expect(layout.activations.map(({ lifecycle, level, top, bottom }) => [lifecycle, level, top, bottom])).toEqual([
      ["a", 0, 61, 205],
      ["b", 1, 133, 277],
    ]);
  });

  /** An activation that was not released has no end. */
  test("keeps open activations open", () => {
    const layout = layoutOf(textbook.slice(0, -1));
    expect(layout.activations.map(({ bottom }) => bottom)).toEqual([null]);
  });

  /** A created task begins where it is created and stops where it ends; then its column is free for a later task. */
  test("reuses the column of a task that has ended", () => {
    const life = (id: string) => [
      create(id),
      message(`create ${id} message`, `p1 -) ${id}`),
      destroy(id),
      message(`done ${id}`, `${id} --) p1`, "done", { outcome: "ok" }),
    ];
    const layout = layoutOf([declare("p1"), declare("p2", "lock", "control"), ...life("t1"), ...life("t2")]);
    expect(layout.columns.map(({ participant, slot, created }) => [participant.id, slot, created])).toEqual([
      ["p1", 0, false],
      ["p2", 1, false],
      ["t1", 2, true],
      ["t2", 2, true],
    ]);
    const [, , first, second] = layout.columns;
    expect(first?.bottom).toBeLessThan(second?.top ?? 0);
  });

  /** A fragment is as wide as its steps, and an outer fragment is wider than the one in it. */
  test("puts fragments around their steps", () => {
    const inner = [begin("inner"), message("m2", "p2 ->> p3"), end("inner")];
    const layout = layoutOf([
      ...["p1", "p2", "p3"].map((id) => declare(id)),
      begin("outer"),
      message("m1", "p1 ->> p2"),
      ...inner,
      end("outer"),
    ]);
    expect(layout.fragments.map(({ step, left, right, inset }) => [step.label, left, right, inset])).toEqual([
      ["outer", 0, 2, 1],
      ["inner", 1, 2, 0],
    ]);
    const [outer, nested] = layout.fragments;
    expect(outer?.bottom).toBeGreaterThan(nested?.bottom ?? Number.POSITIVE_INFINITY);
  });

  /** An open lifecycle has no row: its tag stands under the column of its activation, or under its task. */
  test("shows open lifecycles as tags", () => {
    const heads = [declare("p1"), declare("p2", "lock", "control"), declare("p3")];
    const held = use("held", "p1", "p2").slice(0, 3);
    const open = (lifecycle: string, over: string[]) =>
      note(`${lifecycle} open`, over, "", { kind: "open", lifecycle });
    const steps = [...heads, ...held, open("held", ["p1", "p2"]), open("waiting", ["p3", "p2"])];
    const layout = layoutOf(steps);
    expect(layout.rows.map((row) => row.step.id)).toEqual(["held acquire", "held acquired"]);
    expect(layout.tags.map(({ step, column }) => [step.id, column.participant.id])).toEqual([
      ["held open", "p2"],
      ["waiting open", "p3"],
    ]);
  });

  /** An undeclared participant is labelled with its id: a flawed diagram is better than none. */
  test("shows an undeclared participant", () => {
    const layout = layoutOf([message("m", "p1 ->> p2")]);
    expect(layout.columns.map(({ participant }) => participant.label)).toEqual(["p1", "p2"]);
  });
});

describe("a layout that grows", () => {
  /** After any sequence of changes the layout equals that of the final steps. */
  test("is the same as one made at once", () => {
    const random = generator(7);
    for (let round = 0; round < 30; round++) {
      let steps = program(random, 120);
      const layout = layoutOf(steps);
      for (let change = 0; change < 8; change++) {
        const at = Math.floor(random() * steps.length);
        const isAppend = random() < 0.4;
        const from = isAppend ? steps.length : at;
        const added = isAppend ? use(`n${round}.${change}`, "p1", "r1") : [note(`n${round}.${change}`, ["p1"])];
        const removed = isAppend || random() < 0.5 ? 0 : 1;
        steps = [...steps.slice(0, from), ...added, ...steps.slice(from + removed)];
        layout.update(steps, from);
        expect(plain(layout)).toEqual(plain(layoutOf(steps)));
      }
    }
  });

  /** The cost of appending does not depend on the length: as few texts are measured at 100,000 steps as at 100. */
  test("costs the same at 100 and at 100,000 steps", () => {
    const costs = [100, 100_000].map((length) => {
      let measured = 0;
      const layout = new Layout((text) => {
        measured += 1;
        return measure(text);
      });
      const steps = [declare("p1"), declare("r1", "lock", "control")];
      for (let i = 0; steps.length < length; i++) steps.push(...use(`l${i}`, "p1", "r1"));
      layout.update(steps, 0);
      measured = 0;
      const before = steps.length;
      steps.push(...use("new", "p1", "r1"));
      layout.update(steps, before);
      return measured;
    });
    expect(costs).toEqual([4, 4]);
  });
});

/** A program of nested, concurrent, open and ended uses, tasks and fragments, by a seeded generator. */
function program(random: () => number, length: number): Step[] {
  const steps: Step[] = [declare("p1"), declare("r1", "pool", "database"), declare("r2", "lock", "control")];
  const tasks = ["p1"];
  const held: Step[][] = [];
  for (let i = 0; steps.length < length; i++) {
    const dice = random();
    const task = tasks[Math.floor(random() * tasks.length)] ?? "p1";
    if (dice < 0.4) {
      const used = use(`l${i}`, task, random() < 0.5 ? "r1" : "r2");
      steps.push(...used.slice(0, 3));
      held.push(used.slice(3));
    } else if (dice < 0.7) steps.push(...(held.splice(Math.floor(random() * held.length), 1)[0] ?? []));
    else if (dice < 0.8) {
      steps.push(create(`t${i}`), message(`create t${i} m`, `${task} -) t${i}`));
      tasks.push(`t${i}`);
    } else if (dice < 0.88 && tasks.length > 1) {
      const ended = tasks.pop() ?? "";
      steps.push(destroy(ended), message(`done ${ended}`, `${ended} --) p1`));
      for (const rest of held)
        for (const step of rest) if ("from" in step && [step.from, step.to].includes(ended)) rest.length = 0;
    } else if (dice < 0.94) steps.push(begin(`f${i}`), message(`in f${i}`, `${task} ->> r1`), end(`f${i}`));
    else
      steps.push(note(`note ${i}`, [task, "r2"], "", random() < 0.5 ? {} : { kind: "open", lifecycle: `l${i - 1}` }));
  }
  return steps;
}

/** Random numbers from 0 to 1, the same for a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
