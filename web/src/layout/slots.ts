// Which column a participant stands on, from left to right.
//
// As in Mermaid each stands right of those declared before it. But a task that has ended gives its place back, and a
// task created later may have it: so a service that makes a task a request stays as wide as its tasks are many at once.

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

  /** For a task created by one that stands on `creator`: a free slot right of it, the leftmost; else the next. */
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
