// What the diagram shows, as it stands in the address: "#trace=ID", "#now&fold=0". Reload and back work by it.

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
}

const KINDS: readonly SubjectKind[] = ["trace", "task", "resource", "process"];

export const NOW: Choice = { subject: { kind: "now", id: "" }, fold: true, grouped: true };

/** Reads the address's fragment; what cannot be read means everything now. */
export function parseHash(hash: string): Choice {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const kind = KINDS.find((one) => parameters.get(one));
  const subject: Subject = kind ? { kind, id: parameters.get(kind) ?? "" } : NOW.subject;
  const grouped = parameters.get("grouped");
  return {
    subject,
    fold: parameters.get("fold") !== "0",
    grouped: grouped === null ? isBroad(subject) : grouped === "1",
  };
}

export function formatHash({ subject, fold, grouped }: Choice): string {
  const name = subject.kind === "now" ? "now" : `${subject.kind}=${encodeURIComponent(subject.id)}`;
  return `#${name}${fold ? "" : "&fold=0"}${grouped === isBroad(subject) ? "" : `&grouped=${Number(grouped)}`}`;
}

/** Another subject, with what goes best with it. */
export function choiceOf(subject: Subject, before: Choice): Choice {
  const isOfSameBreadth = isBroad(subject) === isBroad(before.subject);
  return { ...before, subject, grouped: isOfSameBreadth ? before.grouped : isBroad(subject) };
}

/** Where there may be a task a request, and more of them than columns can be read, tasks are grouped at first. */
function isBroad({ kind }: Subject): boolean {
  return kind === "now" || kind === "process";
}

export function isSameSubject(one: Subject, other: Subject): boolean {
  return one.kind === other.kind && one.id === other.id;
}

/** The subject that a lens shows. */
export function subjectOf(lens: Lens): Subject {
  const kind = KINDS.find((one) => lens[one as keyof Lens] !== null);
  return kind ? { kind, id: String(lens[kind as keyof Lens]) } : NOW.subject;
}

/** What to ask the source for. */
export function lensOf({ subject, fold, grouped }: Choice, opened: readonly string[]): Lens {
  const of = (kind: SubjectKind) => (subject.kind === kind ? subject.id : null);
  return {
    trace: of("trace"),
    task: of("task"),
    resource: of("resource"),
    process: of("process"),
    since_ns: null,
    until_ns: null,
    fold,
    opened: [...opened],
    tasks: grouped ? "coroutine" : "task",
    resources: "resource",
  };
}

export function isSameLens(one: Lens, other: Lens): boolean {
  return JSON.stringify(fields(one)) === JSON.stringify(fields(other));
}

/** The query of /api/diagram for the same picture. */
export function diagramQuery(lens: Lens, limit: number): string {
  const query = new URLSearchParams();
  for (const kind of KINDS) {
    const id = lens[kind as "trace" | "task" | "resource" | "process"];
    if (id !== null) query.set(kind, id);
  }
  query.set("fold", lens.fold ? "1" : "0");
  if (lens.opened.length > 0) query.set("opened", lens.opened.join(","));
  if (lens.tasks !== "task") query.set("tasks", lens.tasks);
  query.set("limit", String(limit));
  query.set("format", "mermaid");
  return query.toString();
}

function fields(lens: Lens): unknown[] {
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
  ];
}
