// What the diagram shows. It is part of the address ("#trace=ID", "#now&fold=0"), so that reload and back work.

import type { Lens } from "../schema/messages.ts";

export type SubjectKind = "now" | "trace" | "task" | "resource" | "process";

export interface Subject {
  readonly kind: SubjectKind;
  readonly id: string; // "" for now
}

export interface Choice {
  readonly subject: Subject;
  readonly fold: boolean;
  readonly grouped: boolean; // tasks by their coroutine
  readonly internal: boolean; // with what libraries enter for their own ends
}

const KINDS: readonly SubjectKind[] = ["trace", "task", "resource", "process"];

export const NOW: Choice = { subject: { kind: "now", id: "" }, fold: true, grouped: true, internal: false };

/** Reads the address's hash; an unreadable one means everything now. */
export function parseHash(hash: string): Choice {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const kind = KINDS.find((candidate) => parameters.get(candidate));
  const subject: Subject = kind ? { kind, id: parameters.get(kind) ?? "" } : NOW.subject;
  const grouped = parameters.get("grouped");
  return {
    subject,
    fold: parameters.get("fold") !== "0",
    grouped: grouped === null ? isBroad(subject) : grouped === "1",
    internal: parameters.get("internal") === "1",
  };
}

export function formatHash({ subject, fold, grouped, internal }: Choice): string {
  const name = subject.kind === "now" ? "now" : `${subject.kind}=${encodeURIComponent(subject.id)}`;
  const grouping = grouped === isBroad(subject) ? "" : `&grouped=${Number(grouped)}`;
  return `#${name}${fold ? "" : "&fold=0"}${grouping}${internal ? "&internal=1" : ""}`;
}

/** Another subject, with the grouping that suits it. */
export function choiceOf(subject: Subject, before: Choice): Choice {
  const hasSameBreadth = isBroad(subject) === isBroad(before.subject);
  return { ...before, subject, grouped: hasSameBreadth ? before.grouped : isBroad(subject) };
}

/** Broad subjects can have a task for each request, more than there is room for: their tasks are grouped at first. */
function isBroad({ kind }: Subject): boolean {
  return kind === "now" || kind === "process";
}

export function isSameSubject(a: Subject, b: Subject): boolean {
  return a.kind === b.kind && a.id === b.id;
}

/** The subject that a lens shows. */
export function subjectOf(lens: Lens): Subject {
  const kind = KINDS.find((candidate) => lens[candidate as keyof Lens] !== null);
  return kind ? { kind, id: String(lens[kind as keyof Lens]) } : NOW.subject;
}

/** The lens to subscribe to. */
export function lensOf({ subject, fold, grouped, internal }: Choice, unfolded: readonly string[]): Lens {
  const of = (kind: SubjectKind) => (subject.kind === kind ? subject.id : null);
  return {
    trace: of("trace"),
    task: of("task"),
    resource: of("resource"),
    process: of("process"),
    since_ns: null,
    until_ns: null,
    fold,
    opened: [...unfolded],
    tasks: grouped ? "coroutine" : "task",
    resources: "resource",
    internal,
  };
}

export function isSameLens(a: Lens, b: Lens): boolean {
  return JSON.stringify(fieldsOf(a)) === JSON.stringify(fieldsOf(b));
}

/** The query of /api/diagram for the same diagram. */
export function diagramQuery(lens: Lens, limit: number): string {
  const query = new URLSearchParams();
  for (const kind of KINDS) {
    const id = lens[kind as "trace" | "task" | "resource" | "process"];
    if (id !== null) query.set(kind, id);
  }
  query.set("fold", lens.fold ? "1" : "0");
  if (lens.opened.length > 0) query.set("opened", lens.opened.join(","));
  if (lens.tasks !== "task") query.set("tasks", lens.tasks);
  if (lens.internal) query.set("internal", "1");
  query.set("limit", String(limit));
  query.set("format", "mermaid");
  return query.toString();
}

function fieldsOf(lens: Lens): unknown[] {
  return [
    lens.trace,
    lens.task,
    lens.resource,
    lens.process,
    lens.since_ns,
    lens.until_ns,
    lens.fold,
    [...lens.opened].sort(),
    lens.tasks,
    lens.resources,
    lens.internal,
  ];
}
