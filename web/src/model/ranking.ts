// The order of the table of resources: where somebody waits comes first, then what is held for long, then what was in use
// lately, then the rest. What has a capacity, of which somebody may have to wait, comes before what has none.
//
// Use flickers, and a table that jumps cannot be read. So a resource keeps its place for a while after the wait or the
// use that earned it, and within each group the one known longest comes first.

import type { Resource } from "../schema/messages.ts";

const KEPT_NS = 5e9;
const LONG_NS = 1e9;

interface Memory {
  readonly order: number;
  waitedNs: number; // when each of these was last so
  heldLongNs: number;
  usedNs: number;
  total: number; // of lifecycles, when it was last looked at
}

export class Ranking {
  #known = new Map<string, Memory>();

  /** The resources in the order to show them, as of `nowNs`. */
  sort(resources: readonly Resource[], nowNs: number): Resource[] {
    const ranked = resources.map((resource) => ({ resource, ...this.#rank(resource, nowNs) }));
    ranked.sort((a, b) => a.group - b.group || a.order - b.order);
    return ranked.map(({ resource }) => resource);
  }

  #rank(resource: Resource, nowNs: number): { group: number; order: number } {
    let memory = this.#known.get(resource.id);
    if (!memory) {
      const never = Number.NEGATIVE_INFINITY;
      memory = { order: this.#known.size, waitedNs: never, heldLongNs: never, usedNs: never, total: resource.total };
      this.#known.set(resource.id, memory);
    }
    // Only what has a capacity can make anybody wait for somebody.
    const isBounded = resource.capacity !== null;
    if (resource.waiters.length > 0 && isBounded) memory.waitedNs = nowNs;
    if (resource.holders.some((use) => nowNs - use.since_ns >= LONG_NS) && isBounded) memory.heldLongNs = nowNs;
    if (resource.holders.length + resource.waiters.length > 0 || resource.total > memory.total) memory.usedNs = nowNs;
    memory.total = resource.total;
    const rank = [memory.waitedNs, memory.heldLongNs, memory.usedNs, nowNs].findIndex((at) => nowNs - at <= KEPT_NS);
    return { group: 2 * rank + (isBounded ? 0 : 1), order: memory.order };
  }
}
