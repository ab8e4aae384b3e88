// The name of the chosen subject and its state, in words.

import type { OpenCounts, Overview, Participant, Resource, Step, Trace } from "../schema/messages.ts";
import { formatDuration, formatTicking } from "./durations.ts";
import { processLabel, processState, resourceLabel } from "./labels.ts";

export interface Description {
  readonly name: string;
  readonly state: string;
}

/** `isRecorded`: for a recording the state says what was open at its end, and is empty if nothing was. */
export function describeNow(open: OpenCounts | null, isRecorded: boolean): Description {
  const isEmpty = open === null || (isRecorded && open.held + open.waiting === 0);
  return { name: isRecorded ? "Everything" : "Everything now", state: isEmpty ? "" : openState(open) };
}

/** "3 held, 2 waiting" */
function openState({ held, waiting }: OpenCounts): string {
  return `${held.toLocaleString("en")} held, ${waiting.toLocaleString("en")} waiting`;
}

/** "251 of 823 open lifecycles are drawn", where the diagram does not draw all; otherwise "". */
export function drawnShare(open: OpenCounts | null): string {
  const total = open === null ? 0 : open.held + open.waiting;
  if (open === null || open.drawn >= total) return "";
  return `${open.drawn.toLocaleString("en")} of ${total.toLocaleString("en")} open lifecycles are drawn`;
}

export function describeProcess(id: string, overview: Overview | null, nowNs: number): Description {
  const process = overview?.processes.find((candidate) => candidate.id === id);
  if (!process) return { name: "Process", state: "" };
  return { name: processLabel(process), state: processState(process, nowNs) };
}

/** `trace`: its latest known state, if any. `isRecent`: the overview still has it; otherwise it may have ended since. */
export function describeTrace(
  id: string,
  trace: Trace | null,
  isRecent: boolean,
  steps: readonly Step[],
  nowNs: number,
): Description {
  if (!trace) return { name: nameBySteps(steps) ?? `Trace ${id.slice(0, 8)}`, state: "" };
  if (trace.end_ns === null && !isRecent) return { name: trace.name, state: "" };
  const duration =
    trace.end_ns === null
      ? `open for ${formatTicking(nowNs - trace.start_ns)}`
      : `closed after ${formatDuration(trace.end_ns - trace.start_ns)}`;
  const status = trace.status === null ? "" : `${trace.status}, `;
  const errors = trace.errors > 0 ? `, ${count(trace.errors, "error")}` : "";
  return { name: trace.name, state: `${status}${duration}, ${count(trace.lifecycles, "lifecycle")}${errors}` };
}

export function describeResource(id: string, resource: Resource | undefined, steps: readonly Step[]): Description {
  if (!resource) return { name: labelOf(steps, id) ?? "Resource", state: "" };
  const waiting = resource.acquiring > 0 ? `, ${resource.acquiring.toLocaleString("en")} waiting` : "";
  const held = `${(resource.held + resource.releasing).toLocaleString("en")} held${waiting}`;
  return { name: resourceLabel(resource), state: `${held}, ${count(resource.total, "lifecycle")} so far` };
}

export function describeTask(id: string, steps: readonly Step[]): Description {
  return { name: labelOf(steps, id) ?? "Task", state: "and the tasks it created" };
}

/** The name that the collector gives a trace: a request's route, otherwise the first task and resource, "main: Connection". */
function nameBySteps(steps: readonly Step[]): string | null {
  const first = (role: Participant["role"]) =>
    participants(steps).find((participant) => participant.role === role)?.label;
  const [task, resource] = [first("task"), first("resource")];
  if (task === undefined || resource === undefined) return null;
  return resource.startsWith("Request ") ? resource.slice("Request ".length) : `${task}: ${resource}`;
}

function labelOf(steps: readonly Step[], ref: string): string | null {
  return participants(steps).find((participant) => participant.ref === ref)?.label ?? null;
}

function participants(steps: readonly Step[]): Participant[] {
  return steps.flatMap((step) => (step.step === "declare" || step.step === "create" ? [step.participant] : []));
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}
