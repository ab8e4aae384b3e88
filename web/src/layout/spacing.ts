// Where the columns stand across: as close as their heads, their stacked activations and the labels between neighbours
// allow. A label over several columns, or one too long for its gap, reaches over the lifelines beside it; where columns
// are many, labels have less of a say.
//
// Widths are only ever raised while steps are appended: a column that has room keeps it, so nothing jitters.

import { BAR, CROWD, GAP_CROWDED, GAP_MAX, GAP_MIN, HEAD_APART, LEVEL, MARGIN, STACK_APART } from "./sizes.ts";

export class Spacing {
  #heads: number[] = []; // greatest head width by slot
  #levels: number[] = []; // greatest bar level by slot
  #overhangs: number[] = []; // by slot, how far something reaches to the right of its lifeline
  #needs: number[] = []; // by slot, the room that labels between it and the next ask for
  #positions: number[] | null = [];
  #least = 0;
  #width = 0;

  clear(): void {
    this.#heads = [];
    this.#levels = [];
    this.#overhangs = [];
    this.#needs = [];
    this.#least = 0;
    this.#positions = null;
  }

  head(slot: number, width: number): void {
    if (raise(this.#heads, slot, width)) this.#positions = null;
  }

  level(slot: number, level: number): void {
    if (raise(this.#levels, slot, level)) this.#positions = null;
  }

  overhang(slot: number, width: number): void {
    if (raise(this.#overhangs, slot, width)) this.#positions = null;
  }

  /** Neighbours stand at least `width` apart, or as far as a label may drive them. */
  need(one: number, other: number, width: number): void {
    if (Math.abs(one - other) !== 1) return;
    if (raise(this.#needs, Math.min(one, other), width)) this.#positions = null;
  }

  /** The whole is at least as wide. */
  least(width: number): void {
    if (width <= this.#least) return;
    this.#least = width;
    this.#positions = null;
  }

  /** The x of a slot's lifeline. */
  x(slot: number): number {
    return this.#settled()[slot] ?? 0;
  }

  /** The width of the whole. */
  get width(): number {
    this.#settled();
    return this.#width;
  }

  get slots(): number {
    return this.#heads.length;
  }

  #settled(): number[] {
    if (this.#positions) return this.#positions;
    let x = MARGIN + (this.#heads[0] ?? 0) / 2;
    const positions = this.#heads.map((_, slot) => {
      x += slot === 0 ? 0 : this.#gapAfter(slot - 1);
      return x;
    });
    const reach = (slot: number) => Math.max((this.#heads[slot] ?? 0) / 2, this.#overhangs[slot] ?? 0);
    const reached = positions.reduce((most, at, slot) => Math.max(most, at + reach(slot) + MARGIN), 0);
    this.#width = Math.ceil(Math.max(reached, this.#least));
    this.#positions = positions;
    return positions;
  }

  /** The distance from a slot to the next. */
  #gapAfter(slot: number): number {
    const heads = ((this.#heads[slot] ?? 0) + (this.#heads[slot + 1] ?? 0)) / 2 + HEAD_APART;
    const stack = BAR / 2 + (this.#levels[slot] ?? 0) * LEVEL;
    const most = this.#heads.length < CROWD ? GAP_MAX : GAP_CROWDED;
    const label = Math.min(most, (this.#needs[slot] ?? 0) + stack);
    return Math.max(GAP_MIN, heads, stack + STACK_APART, label);
  }
}

/** Raises the value at a place; true when it did. */
function raise(values: number[], place: number, value: number): boolean {
  while (values.length <= place) values.push(0);
  if ((values[place] ?? 0) >= value) return false;
  values[place] = value;
  return true;
}
