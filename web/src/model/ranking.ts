// The order of the table of resources: where somebody waits comes first, then what has a capacity, of which somebody may
// have to wait, then the rest; what is in use before what is not.
//
// Use flickers, and a table that jumps cannot be read. So a resource keeps its place for a while after the wait or the
// use that earned it, and within each group the one known longest comes first.

import type { Resource } from "../schema/messages.ts";

const KEPT_NS = 5e9;

interface Memory {
  readonly order: number;
  waitedNs: number;
  usedNs: number;
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
      memory = { order: this.#known.size, waitedNs: Number.NEGATIVE_INFINITY, usedNs: Number.NEGATIVE_INFINITY };
      this.#known.set(resource.id, memory);
    }
    // Only what has a capacity can make anybody wait for somebody.
    const isBounded = resource.capacity !== null;
    if (resource.waiters.length > 0 && isBounded) memory.waitedNs = nowNs;
    if (resource.holders.length + resource.waiters.length > 0) memory.usedNs = nowNs;
    const isWaitedFor = nowNs - memory.waitedNs <= KEPT_NS;
    const isUsed = nowNs - memory.usedNs <= KEPT_NS;
    const group = isWaitedFor ? 0 : isBounded ? (isUsed ? 1 : 2) : isUsed ? 3 : 4;
    return { group, order: memory.order };
  }
}
