// The diagram in the page: a layout, its painting, the reader's place in it, and what the reader selects.

import { Layout } from "../layout/layout.ts";
import type { Measure, Row } from "../layout/shape.ts";
import type { Hues } from "../model/hues.ts";
import type { Participant, Step } from "../schema/messages.ts";
import { Emphasis } from "./emphasis.ts";
import { Following } from "./following.ts";
import type { Clock } from "./gutter.ts";
import { listen } from "./input.ts";
import { measureLike } from "./measure.ts";
import { Painting } from "./painting.ts";

export interface ViewEvents {
  /** A step was chosen; null: no step is chosen any more. */
  chosen(step: Step | null): void;
  /** A participant's head was chosen. */
  participant(participant: Participant): void;
  /** A fold is to be unfolded. */
  unfold(fold: string): void;
  /** The number of new rows below the view. */
  unread(rows: number): void;
}

export class DiagramView {
  readonly element = document.createElement("div");
  readonly #events: ViewEvents;
  readonly #measure: Measure;
  readonly #nowNs: () => number;
  readonly #painting: Painting;
  readonly #following: Following;
  readonly #emphasis = new Emphasis(this.element);
  readonly #resizeObserver = new ResizeObserver(() => this.#onResize());
  #layout: Layout;
  #animationFrame = 0;

  /** `nowNs`: the collector's clock, wall ns, by which the times of what is open tick. */
  constructor(parent: HTMLElement, hues: Hues, nowNs: () => number, events: ViewEvents) {
    this.#events = events;
    this.#nowNs = nowNs;
    this.element.className = "tn-diagram";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", "Sequence diagram. J and K go from step to step.");
    parent.append(this.element);
    this.#measure = measureLike(this.element);
    this.#painting = new Painting(this.element, this.#measure, hues);
    this.#following = new Following(this.element, () => this.#painting.gutterWidth);
    this.#layout = new Layout(this.#measure);
    this.#listen();
    this.#resizeObserver.observe(this.element);
  }

  dispose(): void {
    cancelAnimationFrame(this.#animationFrame);
    this.#resizeObserver.disconnect();
    this.element.remove();
  }

  set clock(clock: Clock) {
    this.#painting.clock = clock;
  }

  /** Shows another diagram: from its end while it grows, otherwise from its beginning. */
  show(steps: readonly Step[], from: "beginning" | "end"): void {
    this.#layout = new Layout(this.#measure);
    this.#layout.update(steps, 0);
    this.#painting.clear();
    this.choose(null);
    this.#paint();
    this.#following.start(this.#layout, from);
    this.#countUnread();
    this.#paint();
  }

  /** Shows the times of what is open as they are now. */
  tick(): void {
    this.#paintAtOnce();
  }

  /**
   * Shows the same diagram with steps changed from an index on; the reader's place is kept. It is painted at once, not
   * with the next frame: what stands beside the diagram changes at once too.
   */
  update(steps: readonly Step[], from: number): void {
    this.#following.readPosition(); // the event of the reader's last scrolling may not have arrived yet
    const anchor = this.#following.isOn ? null : this.#following.anchor(this.#layout);
    this.#layout.update(steps, from);
    this.#painting.resize(this.#layout);
    if (this.#following.isOn) this.#following.toBottom(this.#layout);
    else if (anchor) this.#following.restore(anchor, this.#layout);
    this.#countUnread();
    this.#paintAtOnce();
  }

  toEnd(): void {
    this.#following.resume(this.#layout);
    this.#countUnread();
    this.#schedule();
  }

  /** Chooses a step: its whole lifecycle stands out. */
  choose(stepId: string | null): void {
    const { rows, tags } = this.#layout;
    const step = [...rows, ...tags].find((item) => item.step.id === stepId)?.step ?? null;
    this.#emphasis.chosen = step;
    this.#emphasis.show();
    this.#events.chosen(step);
  }

  #listen(): void {
    listen(this.element, {
      scrolled: () => {
        this.#following.readPosition();
        this.#countUnread();
        this.#schedule();
      },
      hovered: (target) => this.#emphasis.hover(target),
      step: (id) => {
        this.choose(id);
        this.#revealChosen();
      },
      participant: (id) => {
        const column = this.#layout.columns.find(({ participant }) => participant.id === id);
        if (column) this.#events.participant(column.participant);
      },
      unfold: (fold) => this.#events.unfold(fold),
      move: (by) => this.#move(by),
      escape: () => {
        const wasChosen = this.#emphasis.chosen !== null;
        if (wasChosen) this.choose(null);
        return wasChosen;
      },
    });
  }

  /** Chooses the next or the previous row and brings it into view. */
  #move(by: 1 | -1): void {
    const { rows } = this.#layout;
    const chosen = this.#chosenRow();
    const firstInView = this.#following.anchor(this.#layout)?.stepId;
    const row = chosen
      ? rows[rows.indexOf(chosen) + by]
      : (rows.find(({ step }) => step.id === firstInView) ?? rows[0]);
    if (!row) return;
    this.#reveal(row);
    this.choose(row.step.id);
    this.#paint();
    this.#painting.focus(row.step.id);
  }

  #chosenRow(): Row | undefined {
    return this.#layout.rows.find(({ step }) => step.id === this.#emphasis.chosen?.id);
  }

  #reveal(row: Row): void {
    this.#following.reveal(row, this.#layout, this.#painting.openBandHeight);
  }

  #revealChosen(): void {
    const row = this.#chosenRow();
    if (row) this.#reveal(row);
  }

  /** The details beside the diagram make it narrower: the chosen step stays in view. */
  #onResize(): void {
    if (this.#following.isOn && this.element.scrollTop > 0) this.element.scrollTop = this.element.scrollHeight;
    this.#revealChosen();
    this.#schedule();
  }

  #countUnread(): void {
    this.#events.unread(this.#following.countUnread(this.#layout));
  }

  /** A page that nobody sees is painted when it is seen again. */
  #paintAtOnce(): void {
    if (document.hidden) this.#schedule();
    else this.#paint();
  }

  #schedule(): void {
    if (this.#animationFrame !== 0) return;
    this.#animationFrame = requestAnimationFrame(() => this.#paint());
  }

  #paint(): void {
    cancelAnimationFrame(this.#animationFrame);
    this.#animationFrame = 0;
    const changedHeight = this.#painting.paint(this.#layout, this.#nowNs());
    if (changedHeight && this.#following.isOn) this.#following.toBottom(this.#layout);
    this.#emphasis.show();
  }
}
