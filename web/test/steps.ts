// Short ways to write steps in tests.

import type { Message, Note, Outcome, Participant, Step } from "../src/schema/messages.ts";

export const BEGIN_NS = 1_700_000_000_000_000_000;

export function participant(id: string, label = id, stereotype = "participant"): Participant {
  const role = stereotype === "participant" ? "task" : "resource";
  return { id, role, stereotype, label, ref: `ref-${id}`, ended: false };
}

export function declare(id: string, label = id, stereotype = "participant"): Step {
  return { step: "declare", id: `declare ${id}`, participant: participant(id, label, stereotype) };
}

export function create(id: string): Step {
  return { step: "create", id: `create ${id}`, participant: participant(id) };
}

export function destroy(id: string): Step {
  return { step: "destroy", id: `destroy ${id}`, participant: id };
}

type Extra = Partial<Pick<Message, "lifecycle" | "outcome" | "activate" | "deactivate" | "at_ns">>;

/** message("m1", "p1 ->> p2", "acquire()", { lifecycle: "l" }) */
export function message(id: string, path: string, label = id, extra: Extra = {}): Step {
  const [from = "", arrow = "->>", to = ""] = path.split(" ");
  const rest = { at_ns: BEGIN_NS, lifecycle: null, outcome: null, activate: false, deactivate: false, ...extra };
  return { step: "message", id, from, to, arrow: arrow as Message["arrow"], label, ...rest };
}

export function note(id: string, over: string[], text = id, extra: Partial<Note> = {}): Step {
  const rest = { at_ns: BEGIN_NS, lifecycle: null, kind: "info" as const, outcome: null, lead: null, since_ns: null };
  return { step: "note", id, over, text, ...rest, ...extra };
}

export function begin(id: string, label = id, fold: string | null = null): Step {
  return { step: "begin", id: `begin ${id}`, fragment: "loop", label, fold, lifecycles: 1 };
}

export function end(id: string): Step {
  return { step: "end", id: `end ${id}`, fragment: "loop" };
}

export function activate(lifecycle: string, resource: string): Step {
  return { step: "activate", id: `${lifecycle} active`, participant: resource, lifecycle };
}

/** The steps of a lifecycle between two participants: acquire, acquired, its activation, release, released. */
export function use(id: string, task: string, resource: string, outcome: Outcome = "ok"): Step[] {
  return [
    message(`${id} acquire`, `${task} ->> ${resource}`, "acquire()", { lifecycle: id }),
    message(`${id} acquired`, `${resource} -->> ${task}`, "acquired", { lifecycle: id, outcome: "ok" }),
    activate(id, resource),
    message(`${id} release`, `${task} ->> ${resource}`, "release()", { lifecycle: id }),
    message(`${id} released`, `${resource} -->> ${task}`, "released", { lifecycle: id, outcome, deactivate: true }),
  ];
}
