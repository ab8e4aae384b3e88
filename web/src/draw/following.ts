// The reader's place. At the end of the diagram the view follows new steps; anywhere else it stays where it is.

import type { Layout } from "../layout/layout.ts";
import { rowsBetween } from "../layout/rows_between.ts";
import type { Row } from "../layout/shape.ts";
import { BOTTOM_REACH, HEAD_BAND, PAINT_STEP } from "../layout/sizes.ts";
import { HorizontalFollow } from "./horizontal_follow.ts";

/** A row and its distance from the view's top. */
interface Anchor {
  readonly stepId: string;
  readonly offset: number;
}

export class Following {
  readonly #element: HTMLElement;
  readonly #horizontal: HorizontalFollow;
  #isOn = true;
  #readRows = 0;
  #lastTop = 0;

  /** `gutter`: the width that the gutter covers at the element's left edge. */
  constructor(element: HTMLElement, gutter: () => number) {
    this.#element = element;
    this.#horizontal = new HorizontalFollow(element, gutter);
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Shows another diagram from its beginning or from its end. */
  start(layout: Layout, from: "beginning" | "end"): void {
    this.#element.scrollTo({ left: 0, top: from === "end" ? this.#element.scrollHeight : 0 });
    this.#isOn = from === "end" || this.#isAtBottom();
    this.#lastTop = this.#element.scrollTop; // its event may come together with that of the reader's first scrolling
    this.#horizontal.release();
    if (from === "end") this.#horizontal.follow(layout);
    this.#readRows = layout.rows.length;
  }

  /** The reader asks for the end. */
  resume(layout: Layout): void {
    this.#isOn = true;
    this.#horizontal.release();
    this.toBottom(layout);
  }

  toBottom(layout: Layout): void {
    this.#element.scrollTop = this.#element.scrollHeight;
    this.#lastTop = this.#element.scrollTop;
    this.#horizontal.follow(layout);
  }

  /** Scrolling up ends the following, reaching the bottom starts it. Scrolling by the page itself does neither. */
  readPosition(): void {
    const { scrollTop } = this.#element;
    if (this.#isAtBottom()) this.#isOn = true;
    else if (scrollTop < this.#lastTop) this.#isOn = false;
    this.#lastTop = scrollTop;
  }

  /** The number of rows that were added since the reader left the end. */
  countUnread({ rows }: Layout): number {
    if (this.#isOn || this.#readRows > rows.length) this.#readRows = rows.length;
    return rows.length - this.#readRows;
  }

  /** The first row in view, to which `restore` returns. */
  anchor({ rows }: Layout): Anchor | null {
    const { scrollTop } = this.#element;
    const row = rowsBetween(rows, scrollTop, scrollTop + PAINT_STEP)[0];
    return row ? { stepId: row.step.id, offset: row.top - scrollTop } : null;
  }

  restore({ stepId, offset }: Anchor, { rows }: Layout): void {
    const row = rows.find(({ step }) => step.id === stepId);
    if (row && row.top - offset !== this.#element.scrollTop) this.#element.scrollTop = row.top - offset;
  }

  /** Scrolls so that the row is in view; `covered`: the height that the band at the bottom edge covers. */
  reveal(row: Row, { spacing }: Layout, covered: number): void {
    const { scrollTop, clientHeight } = this.#element;
    const height = clientHeight - HEAD_BAND - covered;
    this.#horizontal.reveal(row, spacing);
    if (row.top < scrollTop) this.#element.scrollTop = row.top - 2 * row.height;
    else if (row.top + row.height > scrollTop + height) this.#element.scrollTop = row.top + 3 * row.height - height;
  }

  #isAtBottom(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.#element;
    return scrollTop + clientHeight >= scrollHeight - BOTTOM_REACH;
  }
}
