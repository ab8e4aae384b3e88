// Where the columns stand across, from the widths of heads and of the labels between them.
//
// Widths are only ever raised while steps are appended: a column that has room keeps it, so nothing jitters.

import { BAR, GAP_MAX, GAP_MIN, HEAD_MIN, LEVEL, MARGIN } from "./sizes.ts";

export class Spacing {
  #heads: number[] = []; // greatest head width by slot
  #levels: number[] = []; // greatest bar level by slot
  #overhangs: number[] = []; // by slot, how far something reaches to the right of its lifeline
  #needs = new Map<string, { left: number; right: number; width: number }>();
  #positions: number[] | null = [];
  #width = 0;

  clear(): void {
    this.#heads = [];
    this.#levels = [];
    this.#overhangs = [];
    this.#needs.clear();
    this.#positions = null;
  }

  head(slot: number, width: number): void {
    if (raise(this.#heads, slot, Math.max(width, HEAD_MIN))) this.#positions = null;
  }

  level(slot: number, level: number): void {
    if (raise(this.#levels, slot, level)) this.#positions = null;
  }

  overhang(slot: number, width: number): void {
    if (raise(this.#overhangs, slot, width)) this.#positions = null;
  }

  /** The slots must stand at least `width` apart (or as far as columns may be). */
  need(one: number, other: number, width: number): void {
    const left = Math.min(one, other);
    const right = Math.max(one, other);
    const key = `${left}-${right}`;
    if (width <= (this.#needs.get(key)?.width ?? 0)) return;
    this.#needs.set(key, { left, right, width });
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
    const gaps = this.#gaps();
    let x = MARGIN + (this.#heads[0] ?? 0) / 2;
    const positions = this.#heads.map((_, slot) => {
      x += slot === 0 ? 0 : (gaps[slot - 1] ?? 0);
      return x;
    });
    const reach = (slot: number) => Math.max((this.#heads[slot] ?? 0) / 2, this.#overhangs[slot] ?? 0);
    this.#width = Math.ceil(positions.reduce((most, at, slot) => Math.max(most, at + reach(slot) + MARGIN), 0));
    this.#positions = positions;
    return positions;
  }

  /** The distance from each slot to the next. */
  #gaps(): number[] {
    const gaps: number[] = [];
    for (let slot = 0; slot + 1 < this.#heads.length; slot++) {
      const heads = ((this.#heads[slot] ?? 0) + (this.#heads[slot + 1] ?? 0)) / 2 + 18;
      gaps.push(Math.max(GAP_MIN, heads, this.#stack(slot) + 60));
    }
    const byLength = [...this.#needs.values()].sort((a, b) => a.right - a.left - (b.right - b.left));
    for (const { left, right, width } of byLength) {
      const last = right - 1;
      const others = gaps.slice(left, last).reduce((sum, gap) => sum + gap, 0);
      const wanted = Math.min(GAP_MAX, width + this.#stack(left) - others);
      gaps[last] = Math.max(gaps[last] ?? 0, wanted);
    }
    return gaps;
  }

  #stack(slot: number): number {
    return BAR / 2 + (this.#levels[slot] ?? 0) * LEVEL;
  }
}

/** Raises the value at a place; true when it did. */
function raise(values: number[], place: number, value: number): boolean {
  while (values.length <= place) values.push(0);
  if ((values[place] ?? 0) >= value) return false;
  values[place] = value;
  return true;
}
