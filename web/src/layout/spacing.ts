// The x of each column: as close to its neighbours as their heads, their stacked activations and the labels between
// them allow. A label over several columns, or one too long for its gap, reaches over the lifelines beside it.
//
// While steps are appended, widths only grow. So a column keeps its room, and the diagram does not jitter.

import { ACTIVATION, CROWD, GAP_CROWDED, GAP_MAX, GAP_MIN, HEAD_GAP, LEVEL, MARGIN, STACK_GAP } from "./sizes.ts";

export class Spacing {
  #headWidths: number[] = []; // by slot
  #levels: number[] = []; // by slot, the highest level of an activation
  #overhangs: number[] = []; // by slot, how far its texts reach to the right of the lifeline
  #labelWidths: number[] = []; // by slot, of labels between it and the next
  #positions: number[] | null = [];
  #minWidth = 0;
  #width = 0;

  clear(): void {
    this.#headWidths = [];
    this.#levels = [];
    this.#overhangs = [];
    this.#labelWidths = [];
    this.#minWidth = 0;
    this.#positions = null;
  }

  fitHead(slot: number, width: number): void {
    if (raise(this.#headWidths, slot, width)) this.#positions = null;
  }

  fitLevel(slot: number, level: number): void {
    if (raise(this.#levels, slot, level)) this.#positions = null;
  }

  fitOverhang(slot: number, width: number): void {
    if (raise(this.#overhangs, slot, width)) this.#positions = null;
  }

  /** Neighbours stand at least `width` apart, up to the greatest gap that a label may cause. */
  fitLabel(slot: number, otherSlot: number, width: number): void {
    if (Math.abs(slot - otherSlot) !== 1) return;
    if (raise(this.#labelWidths, Math.min(slot, otherSlot), width)) this.#positions = null;
  }

  /** The diagram is at least `width` wide. */
  fitWidth(width: number): void {
    if (width <= this.#minWidth) return;
    this.#minWidth = width;
    this.#positions = null;
  }

  /** The x of a slot's lifeline. */
  x(slot: number): number {
    return this.#computed()[slot] ?? 0;
  }

  /** The width of the diagram. */
  get width(): number {
    this.#computed();
    return this.#width;
  }

  #computed(): number[] {
    if (this.#positions) return this.#positions;
    let x = MARGIN + (this.#headWidths[0] ?? 0) / 2;
    const positions = this.#headWidths.map((_, slot) => {
      x += slot === 0 ? 0 : this.#gapAfter(slot - 1);
      return x;
    });
    const overhang = (slot: number) => Math.max((this.#headWidths[slot] ?? 0) / 2, this.#overhangs[slot] ?? 0);
    const right = positions.reduce((most, at, slot) => Math.max(most, at + overhang(slot) + MARGIN), 0);
    this.#width = Math.ceil(Math.max(right, this.#minWidth));
    this.#positions = positions;
    return positions;
  }

  /** The distance from a slot to the next. */
  #gapAfter(slot: number): number {
    const heads = ((this.#headWidths[slot] ?? 0) + (this.#headWidths[slot + 1] ?? 0)) / 2 + HEAD_GAP;
    const stack = ACTIVATION / 2 + (this.#levels[slot] ?? 0) * LEVEL;
    const most = this.#headWidths.length < CROWD ? GAP_MAX : GAP_CROWDED;
    const label = Math.min(most, (this.#labelWidths[slot] ?? 0) + stack);
    return Math.max(GAP_MIN, heads, stack + STACK_GAP, label);
  }
}

/** Raises the value at an index; true when it did. */
function raise(values: number[], index: number, value: number): boolean {
  while (values.length <= index) values.push(0);
  if ((values[index] ?? 0) >= value) return false;
  values[index] = value;
  return true;
}
