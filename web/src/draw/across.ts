// Following sideways: while the end is followed and all of what is new stands beyond an edge, the view goes there.
// A reader who has scrolled sideways by hand is left where they are.

import type { Layout } from "../layout/layout.ts";
import type { Row } from "../layout/shape.ts";
import { NEAR } from "../layout/sizes.ts";

const LATEST = 12; // rows of which at least one is to be seen

export class Across {
  readonly #element: HTMLElement;
  readonly #gutter: () => number;
  #isSteered = false;

  /** `gutter`: the width of what covers the element's left edge. */
  constructor(element: HTMLElement, gutter: () => number) {
    this.#element = element;
    this.#gutter = gutter;
    element.addEventListener("wheel", (event) => this.#steeredIf(event.deltaX !== 0 || event.shiftKey), {
      passive: true,
    });
    element.addEventListener("keydown", ({ key }) => this.#steeredIf(key === "ArrowLeft" || key === "ArrowRight"));
    element.addEventListener("pointerdown", ({ target }) => this.#steeredIf(target === element)); // its scroll bar
  }

  /** The reader asked for the end, or for another diagram: what they did before no longer counts. */
  release(): void {
    this.#isSteered = false;
  }

  follow({ rows, spacing }: Layout): void {
    if (this.#isSteered) return;
    const latest = rows.slice(-LATEST);
    const last = latest.at(-1);
    if (last && !latest.some((row) => this.#shown(row, spacing) > 0)) this.reveal(last, spacing);
  }

  /** Goes sideways until a fair part of the row is in view, where it is not. */
  reveal(row: Row, spacing: Layout["spacing"]): void {
    const [left, right] = reach(row, spacing);
    const width = this.#element.clientWidth - this.#gutter();
    if (this.#shown(row, spacing) >= Math.min(right - left, 3 * NEAR)) return;
    const wished = left < this.#element.scrollLeft ? left - 2 * NEAR : right + 2 * NEAR - width;
    this.#element.scrollLeft = Math.min(wished, left - 2 * NEAR);
  }

  /** How much of the row is in view, in px; below 0: how far it is away. */
  #shown(row: Row, spacing: Layout["spacing"]): number {
    const [left, right] = reach(row, spacing);
    const { scrollLeft, clientWidth } = this.#element;
    return Math.min(right, scrollLeft + clientWidth - this.#gutter()) - Math.max(left, scrollLeft);
  }

  #steeredIf(isIt: boolean): void {
    this.#isSteered ||= isIt;
  }
}

/** From where to where a row reaches; what stands on one lifeline reaches a little to its right. */
function reach(row: Row, spacing: Layout["spacing"]): [number, number] {
  const columns = row.kind === "note" ? [row.first, row.last] : [row.from.column, row.to.column];
  const ends = columns.map((column) => spacing.x(column.slot));
  return [Math.min(...ends), Math.max(...ends, Math.min(...ends) + NEAR)];
}
