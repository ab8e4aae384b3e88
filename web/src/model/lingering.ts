// Uses that are over in a moment, kept in sight for a little longer: a table that is told of twice a second shows a hold
// of some milliseconds only by chance, and a name that flashes up cannot be read.

import type { Resource, Use } from "../schema/messages.ts";

export interface ShownUse {
  readonly use: Use;
  readonly isOver: boolean;
}

const LINGERS_NS = 3e9;

export class Lingering {
  #seen = new Map<string, Map<string, { use: Use; atNs: number }>>();

  /** Those that go on now, in their order, and after them those that were seen last, the latest first. */
  uses(resource: Resource, kind: "holders" | "waiters", nowNs: number): ShownUse[] {
    const key = `${kind} ${resource.id}`;
    const seen = this.#seen.get(key) ?? new Map<string, { use: Use; atNs: number }>();
    this.#seen.set(key, seen);
    const goesOn = new Set(resource[kind].map((use) => use.lifecycle));
    const over = [...seen.values()].filter(({ use, atNs }) => !goesOn.has(use.lifecycle) && nowNs - atNs < LINGERS_NS);
    seen.clear();
    for (const use of resource[kind]) seen.set(use.lifecycle, { use, atNs: nowNs });
    for (const one of over) seen.set(one.use.lifecycle, one);
    over.sort((a, b) => b.atNs - a.atNs || b.use.since_ns - a.use.since_ns);
    return [
      ...resource[kind].map((use) => ({ use, isOver: false })),
      ...over.map(({ use }) => ({ use, isOver: true })),
    ];
  }
}
