// The order of the resource table: first resources with waiters, then those held for long, then those used lately, then
// the rest. A resource with a capacity comes before one without, because only a capacity makes tasks wait.
//
// A table whose rows jump cannot be read. So a resource keeps its group for some seconds after the wait or the use that
// put it there, and within each group the resource known longest comes first.

import type { Resource } from "../schema/messages.ts";

const KEEPS_GROUP_NS = 5e9;
const LONG_HOLD_NS = 1e9;

interface History {
  readonly order: number;
  waitedNs: number; // the last time of each
  heldLongNs: number;
  usedNs: number;
  total: number; // of lifecycles, at the last sort
}

export class Ranking {
  #histories = new Map<string, History>();

  /** The resources in the order to show them, as of `nowNs`. */
  sort(resources: readonly Resource[], nowNs: number): Resource[] {
    const ranked = resources.map((resource) => ({ resource, ...this.#rank(resource, nowNs) }));
    ranked.sort((a, b) => a.group - b.group || a.order - b.order);
    return ranked.map(({ resource }) => resource);
  }

  #rank(resource: Resource, nowNs: number): { group: number; order: number } {
    let history = this.#histories.get(resource.id);
    if (!history) {
      const never = Number.NEGATIVE_INFINITY;
      history = {
        order: this.#histories.size,
        waitedNs: never,
        heldLongNs: never,
        usedNs: never,
        total: resource.total,
      };
      this.#histories.set(resource.id, history);
    }
    const isBounded = resource.capacity !== null;
    if (resource.waiters.length > 0 && isBounded) history.waitedNs = nowNs;
    if (resource.holders.some((use) => nowNs - use.since_ns >= LONG_HOLD_NS) && isBounded) history.heldLongNs = nowNs;
    if (resource.holders.length + resource.waiters.length > 0 || resource.total > history.total) history.usedNs = nowNs;
    history.total = resource.total;
    const rank = [history.waitedNs, history.heldLongNs, history.usedNs, nowNs].findIndex(
      (at) => nowNs - at <= KEEPS_GROUP_NS,
    );
    return { group: 2 * rank + (isBounded ? 0 : 1), order: history.order };
  }
}
