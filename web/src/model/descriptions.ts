// The name of the chosen subject and its state, in words.

import type { Overview, Participant, Resource, Step, Trace } from "../schema/messages.ts";
import { formatDuration, formatTicking } from "./durations.ts";
import { processLabel, processState, resourceLabel } from "./labels.ts";

export interface Description {
  readonly name: string;
  readonly state: string;
}

/** `isRecorded`: for a recording the state says what was open at its end, and is empty if nothing was. */
export function describeNow(overview: Overview | null, isRecorded: boolean): Description {
  const resources = overview?.resources ?? [];
  const held = resources.reduce((sum, resource) => sum + resource.held + resource.releasing, 0);
  const waiting = resources.reduce((sum, resource) => sum + resource.acquiring, 0);
  const state = overview && !(isRecorded && held + waiting === 0) ? `${held} held, ${waiting} waiting` : "";
  return { name: isRecorded ? "Everything" : "Everything now", state };
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
  const waiting = resource.waiters.length > 0 ? `, ${resource.waiters.length} waiting` : "";
  const held = `${resource.held + resource.releasing} held${waiting}`;
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
