// Processes and their recent traces, by service: a service may be several processes, a trace tells only its services.

import type { Process, Trace } from "../schema/messages.ts";

export interface ServiceGroup {
  readonly service: string;
  readonly processes: readonly Process[]; // those alive first, then the latest seen
  readonly traces: readonly Trace[]; // newest first
}

/** The services with those first that have a living process, then in the order in which they came. */
export function byService(processes: readonly Process[], traces: readonly Trace[]): ServiceGroup[] {
  const services = new Map<string, { processes: Process[]; traces: Trace[] }>();
  const group = (service: string) => {
    const found = services.get(service) ?? { processes: [], traces: [] };
    services.set(service, found);
    return found;
  };
  for (const process of [...processes].sort((a, b) => a.started_ns - b.started_ns)) {
    group(process.service).processes.push(process);
  }
  for (const trace of traces) for (const service of trace.services) group(service).traces.push(trace);
  const groups = [...services].map(([service, found]) => ({
    service,
    processes: found.processes.sort((a, b) => Number(b.alive) - Number(a.alive) || b.last_seen_ns - a.last_seen_ns),
    traces: found.traces.sort((a, b) => b.start_ns - a.start_ns),
  }));
  const isAlive = (one: ServiceGroup) => one.processes.some((process) => process.alive);
  return groups.sort((a, b) => Number(isAlive(b)) - Number(isAlive(a)));
}

/** Lifecycles that the tracers lost, of all processes, by reason. */
export function droppedByReason(processes: readonly Process[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { dropped } of processes) {
    for (const [reason, count] of Object.entries(dropped)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  }
  return sums;
}
