// Which column a participant stands on, from left to right.
//
// As in Mermaid each participant stands right of those declared before it. But a task that has ended frees its slot
// for a task that is created later. So the diagram of a service that creates a task for each request is only as wide
// as the number of tasks that exist at the same time.

export interface SlotsState {
  readonly count: number;
  readonly free: readonly number[];
}

export class Slots {
  #count = 0;
  #free: number[] = [];

  /** The next slot on the right. */
  next(): number {
    return this.#count++;
  }

  /** For a task created by the one on `creator`: the leftmost free slot right of it, otherwise the next slot. */
  rightOf(creator: number): number {
    let best = -1;
    for (const slot of this.#free) if (slot > creator && (best < 0 || slot < best)) best = slot;
    if (best < 0) return this.next();
    this.#free.splice(this.#free.indexOf(best), 1);
    return best;
  }

  release(slot: number): void {
    this.#free.push(slot);
  }

  save(): SlotsState {
    return { count: this.#count, free: [...this.#free] };
  }

  restore(state: SlotsState): void {
    this.#count = state.count;
    this.#free = [...state.free];
  }
}
