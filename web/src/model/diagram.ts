// The diagram as the collector tells it: steps in order, kept up to date by operations.

import type { Operation, Step } from "../schema/messages.ts";

/** An operation names a step that is not here: the picture can no longer be trusted, ask for a fresh page. */
export class LostStep extends Error {}

/**
 * Steps in order, found by id.
 *
 * Appending n steps costs n. Inserting and removing cost as much as there are steps behind the place.
 */
export class DiagramModel {
  #steps: Step[] = [];
  #places = new Map<string, number>();

  get steps(): readonly Step[] {
    return this.#steps;
  }

  /** The place of the step in `steps`, or undefined. */
  placeOf(id: string): number | undefined {
    return this.#places.get(id);
  }

  replace(steps: readonly Step[]): void {
    this.#steps = [...steps];
    this.#places = new Map(steps.map((step, place) => [step.id, place]));
  }

  /** Follows the operations; returns the first place at which something changed. Throws LostStep. */
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
        const place = this.#find(operation.step.id);
        this.#steps[place] = operation.step;
        return place;
      }
      case "remove":
        return this.#remove(operation.ids);
    }
  }

  #insertAt(place: number, steps: readonly Step[]): number {
    if (place === this.#steps.length) for (const step of steps) this.#steps.push(step);
    else this.#steps = [...this.#steps.slice(0, place), ...steps, ...this.#steps.slice(place)];
    this.#reindexFrom(place);
    return place;
  }

  #remove(ids: readonly string[]): number {
    let first = this.#steps.length;
    for (const id of ids) {
      first = Math.min(first, this.#find(id));
      this.#places.delete(id);
    }
    const kept = this.#steps.slice(first).filter((step) => this.#places.has(step.id));
    this.#steps.length = first;
    for (const step of kept) this.#steps.push(step);
    this.#reindexFrom(first);
    return first;
  }

  #reindexFrom(place: number): void {
    for (let i = place; i < this.#steps.length; i++) {
      const step = this.#steps[i];
      if (step) this.#places.set(step.id, i);
    }
  }

  #find(id: string): number {
    const place = this.#places.get(id);
    if (place === undefined) throw new LostStep(`no step ${id}`);
    return place;
  }
}
