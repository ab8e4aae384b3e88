// Processes and their recent traces, by service. A service can have several processes. A trace names its services only.

import type { Process, Trace } from "../schema/messages.ts";

export interface ServiceGroup {
  readonly service: string;
  readonly processes: readonly Process[]; // those alive first, then the latest seen
  readonly traces: readonly Trace[]; // newest first
}

/** The services, those with a living process first, otherwise in the order in which they appeared. */
export function byService(processes: readonly Process[], traces: readonly Trace[]): ServiceGroup[] {
  const services = new Map<string, { processes: Process[]; traces: Trace[] }>();
  const groupOf = (service: string) => {
    const group = services.get(service) ?? { processes: [], traces: [] };
    services.set(service, group);
    return group;
  };
  for (const process of [...processes].sort((a, b) => a.started_ns - b.started_ns)) {
    groupOf(process.service).processes.push(process);
  }
  for (const trace of traces) for (const service of trace.services) groupOf(service).traces.push(trace);
  const groups = [...services].map(([service, group]) => ({
    service,
    processes: group.processes.sort((a, b) => Number(b.alive) - Number(a.alive) || b.last_seen_ns - a.last_seen_ns),
    traces: group.traces.sort((a, b) => b.start_ns - a.start_ns),
  }));
  const isAlive = (group: ServiceGroup) => group.processes.some((process) => process.alive);
  return groups.sort((a, b) => Number(isAlive(b)) - Number(isAlive(a)));
}

/** The lifecycles that the tracers of all processes dropped, by reason. */
export function droppedByReason(processes: readonly Process[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { dropped } of processes) {
    for (const [reason, count] of Object.entries(dropped)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  }
  return sums;
}
