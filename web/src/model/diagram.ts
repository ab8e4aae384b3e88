// The diagram's steps, in order. The collector sends operations that keep them up to date.

import type { Operation, Step } from "../schema/messages.ts";

/** An operation names a step that is not here: the diagram is out of date, and a new page is needed. */
export class LostStep extends Error {}

/**
 * Steps in order, found by id.
 *
 * Appending n steps costs n. Inserting and removing cost as much as the number of steps behind the index.
 */
export class DiagramModel {
  #steps: Step[] = [];
  #indexById = new Map<string, number>();

  get steps(): readonly Step[] {
    return this.#steps;
  }

  /** The index of the step in `steps`, or undefined. */
  indexOf(id: string): number | undefined {
    return this.#indexById.get(id);
  }

  replace(steps: readonly Step[]): void {
    this.#steps = [...steps];
    this.#indexById = new Map(steps.map((step, index) => [step.id, index]));
  }

  /** Applies the operations; returns the first index at which something changed. Throws LostStep. */
  apply(operations: readonly Operation[]): number {
    let first = this.#steps.length;
    for (const operation of operations) first = Math.min(first, this.#applyOne(operation));
    return first;
  }

  #applyOne(operation: Operation): number {
    switch (operation.op) {
      case "append":
        return this.#insertAt(this.#steps.length, operation.steps);
      case "insert":
        return this.#insertAt(this.#find(operation.before), operation.steps);
      case "update": {
        const index = this.#find(operation.step.id);
        this.#steps[index] = operation.step;
        return index;
      }
      case "remove":
        return this.#remove(operation.ids);
    }
  }

  #insertAt(index: number, steps: readonly Step[]): number {
    if (index === this.#steps.length) for (const step of steps) this.#steps.push(step);
    else this.#steps = [...this.#steps.slice(0, index), ...steps, ...this.#steps.slice(index)];
    this.#reindexFrom(index);
    return index;
  }

  #remove(ids: readonly string[]): number {
    let first = this.#steps.length;
    for (const id of ids) {
      first = Math.min(first, this.#find(id));
      this.#indexById.delete(id);
    }
    const kept = this.#steps.slice(first).filter((step) => this.#indexById.has(step.id));
    this.#steps.length = first;
    for (const step of kept) this.#steps.push(step);
    this.#reindexFrom(first);
    return first;
  }

  #reindexFrom(first: number): void {
    for (let index = first; index < this.#steps.length; index++) {
      const step = this.#steps[index];
      if (step) this.#indexById.set(step.id, index);
    }
  }

  #find(id: string): number {
    const index = this.#indexById.get(id);
    if (index === undefined) throw new LostStep(`no step ${id}`);
    return index;
  }
}
