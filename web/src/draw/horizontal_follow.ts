// Follows new steps sideways: while the reader follows the end and every new row is offscreen to one side, the view
// moves there. A reader who has scrolled sideways is left where they are.

import type { Layout } from "../layout/layout.ts";
import type { Row } from "../layout/shape.ts";
import { REVEAL } from "../layout/sizes.ts";

const LATEST = 12; // rows; at least one of them stays in view

export class HorizontalFollow {
  readonly #element: HTMLElement;
  readonly #gutter: () => number;
  #isSteered = false;

  /** `gutter`: the width that the gutter covers at the element's left edge. */
  constructor(element: HTMLElement, gutter: () => number) {
    this.#element = element;
    this.#gutter = gutter;
    const steerIf = (isSteering: boolean) => {
      this.#isSteered ||= isSteering;
    };
    element.addEventListener("wheel", ({ deltaX, shiftKey }) => steerIf(deltaX !== 0 || shiftKey), { passive: true });
    element.addEventListener("keydown", ({ key }) => steerIf(key === "ArrowLeft" || key === "ArrowRight"));
    element.addEventListener("pointerdown", ({ target }) => steerIf(target === element)); // its scroll bar
  }

  /** The reader asked for the end, or for another diagram: earlier scrolling no longer counts. */
  release(): void {
    this.#isSteered = false;
  }

  follow({ rows, spacing }: Layout): void {
    if (this.#isSteered) return;
    const latest = rows.slice(-LATEST);
    const last = latest.at(-1);
    if (last && !latest.some((row) => this.#visibleWidth(row, spacing) > 0)) this.reveal(last, spacing);
  }

  /** Scrolls sideways until a fair part of the row is in view. */
  reveal(row: Row, spacing: Layout["spacing"]): void {
    const [left, right] = extentOf(row, spacing);
    const width = this.#element.clientWidth - this.#gutter();
    if (this.#visibleWidth(row, spacing) >= Math.min(right - left, 3 * REVEAL)) return;
    const preferred = left < this.#element.scrollLeft ? left - 2 * REVEAL : right + 2 * REVEAL - width;
    this.#element.scrollLeft = Math.min(preferred, left - 2 * REVEAL);
  }

  /** The width of the row's visible part, in CSS pixels; negative: the row's distance from the view. */
  #visibleWidth(row: Row, spacing: Layout["spacing"]): number {
    const [left, right] = extentOf(row, spacing);
    const { scrollLeft, clientWidth } = this.#element;
    return Math.min(right, scrollLeft + clientWidth - this.#gutter()) - Math.max(left, scrollLeft);
  }
}

/** The leftmost and the rightmost x of a row; a row on one lifeline extends a little to its right. */
function extentOf(row: Row, spacing: Layout["spacing"]): [number, number] {
  const columns = row.kind === "note" ? [row.first, row.last] : [row.from.column, row.to.column];
  const ends = columns.map((column) => spacing.x(column.slot));
  return [Math.min(...ends), Math.max(...ends, Math.min(...ends) + REVEAL)];
}
