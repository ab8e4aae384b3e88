// Uses that have just ended stay visible for some seconds. The table is updated twice a second: without this it would
// show a hold of some milliseconds only by chance, and too briefly to read.

import type { Resource, Use } from "../schema/messages.ts";

export interface ShownUse {
  readonly use: Use;
  readonly isOver: boolean;
}

interface SeenUse {
  readonly use: Use;
  readonly seenNs: number;
}

const SHOWN_AFTER_END_NS = 3e9;

export class RecentUses {
  #seen = new Map<string, Map<string, SeenUse>>();

  /** The present uses in their order, followed by those that have ended, the latest first. */
  of(resource: Resource, kind: "holders" | "waiters", nowNs: number): ShownUse[] {
    const key = `${kind} ${resource.id}`;
    const seen = this.#seen.get(key) ?? new Map<string, SeenUse>();
    this.#seen.set(key, seen);
    const present = resource[kind];
    const presentIds = new Set(present.map((use) => use.lifecycle));
    const ended = [...seen.values()].filter(
      ({ use, seenNs }) => !presentIds.has(use.lifecycle) && nowNs - seenNs < SHOWN_AFTER_END_NS,
    );
    seen.clear();
    for (const use of present) seen.set(use.lifecycle, { use, seenNs: nowNs });
    for (const item of ended) seen.set(item.use.lifecycle, item);
    ended.sort((a, b) => b.seenNs - a.seenNs || b.use.since_ns - a.use.since_ns);
    return [...present.map((use) => ({ use, isOver: false })), ...ended.map(({ use }) => ({ use, isOver: true }))];
  }
}
