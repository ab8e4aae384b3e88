// The diagram in the page: scrolls, follows what is new, keeps the reader's place, and tells what was pointed at.

import { Layout } from "../layout/layout.ts";
import type { Column, Measure, Row, Tag } from "../layout/shape.ts";
import type { Hues } from "../model/hues.ts";
import type { Participant, Step } from "../schema/messages.ts";
import { Across } from "./across.ts";
import { Emphasis } from "./emphasis.ts";
import { type Clock, GUTTERS, Gutter } from "./gutter.ts";
import { Heads } from "./heads.ts";
import type { Scene } from "./marks/mark.ts";
import { tick } from "./marks/note.ts";
import { OpenBand } from "./open.ts";
import { Picture, rowsInView } from "./picture.ts";
import { measureLike } from "./text.ts";

const CHUNK = 400; // the view grows and shrinks in steps of this, so that few scroll events draw anything
const NEAR = 32; // px from the bottom that still count as being there
const BAND = 52; // height of the band of heads

export interface ViewEvents {
  /** A step was chosen (or none any more). */
  chosen(step: Step | null): void;
  /** A participant's head was chosen. */
  participant(participant: Participant): void;
  /** A fold is to be opened. */
  unfold(fold: string): void;
  /** How many new rows stand below what is in view. */
  behind(rows: number): void;
}

export class DiagramView {
  readonly element = document.createElement("div");
  clock: Clock = "since first";

  readonly #events: ViewEvents;
  readonly #hues: Hues;
  readonly #measure: Measure;
  readonly #canvas = document.createElement("div");
  readonly #band = document.createElement("div");
  readonly #heads = new Heads();
  readonly #gutter = new Gutter();
  readonly #picture = new Picture();
  readonly #open = new OpenBand();
  readonly #across = new Across(this.element, () => GUTTERS[this.clock]);
  readonly #emphasis = new Emphasis(this.element);
  readonly #resized: ResizeObserver;
  readonly #ticking: number;
  #layout: Layout;
  #follows = true;
  #seenRows = 0;
  #lastTop = 0;
  #frame = 0;
  #now: () => number = () => Date.now() * 1e6;

  constructor(parent: HTMLElement, hues: Hues, events: ViewEvents) {
    this.#events = events;
    this.#hues = hues;
    this.element.className = "diagram";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", "Sequence diagram. J and K go from step to step.");
    this.#band.className = "band";
    this.#canvas.className = "canvas";
    const corner = document.createElement("div");
    corner.className = "corner";
    this.#band.append(corner, this.#heads.element);
    this.#canvas.append(this.#gutter.element, this.#picture.element);
    this.element.append(this.#band, this.#canvas, this.#open.element);
    parent.append(this.element);
    this.#measure = measureLike(this.element);
    this.#layout = new Layout(this.#measure);
    this.#listen();
    this.#resized = new ResizeObserver(() => this.#resizedTo());
    this.#resized.observe(this.element);
    this.#ticking = window.setInterval(() => this.#schedule(), 1000);
  }

  dispose(): void {
    window.clearInterval(this.#ticking);
    cancelAnimationFrame(this.#frame);
    this.#resized.disconnect();
    this.element.remove();
  }

  /** The collector's clock, wall ns: what is going on is counted by it. */
  set now(now: () => number) {
    this.#now = now;
  }

  /** Another diagram: shown from its end where it is still growing, else from its beginning. */
  show(steps: readonly Step[], from: "beginning" | "end"): void {
    this.#layout = new Layout(this.#measure);
    this.#layout.update(steps, 0);
    this.#open.clear();
    this.choose(null);
    this.#paint();
    this.element.scrollTo({ left: 0, top: from === "end" ? this.element.scrollHeight : 0 });
    this.#follows = from === "end" || this.#isAtBottom();
    this.#across.release();
    if (from === "end") this.#across.follow(this.#layout);
    this.#seenRows = this.#layout.rows.length;
    this.#seen();
    this.#paint();
  }

  /** The same diagram with steps changed from a place on; the reader's place is kept. */
  update(steps: readonly Step[], from: number): void {
    this.#notice(); // the event of the reader's last scrolling may still be on its way
    const anchor = this.#follows ? null : this.#anchor();
    this.#layout.update(steps, from);
    this.#resize();
    if (this.#follows) this.#toBottom();
    else if (anchor) this.#restore(anchor);
    this.#seen();
    this.#schedule();
  }

  toEnd(): void {
    this.#follows = true;
    this.#across.release();
    this.#toBottom();
    this.#seen();
    this.#schedule();
  }

  /** Chooses a step: all that its lifecycle did stands out. */
  choose(id: string | null): void {
    const { rows, tags } = this.#layout;
    const isIt = (one: Row | Tag) => one.step.id === id;
    const step = (rows.find(isIt) ?? tags.find(isIt))?.step ?? null;
    this.#emphasis.chosen = step;
    this.#emphasis.show();
    this.#events.chosen(step);
  }

  participant(id: string): Participant | null {
    return this.#layout.columns.find((column) => column.participant.id === id)?.participant ?? null;
  }

  /** The column of a resource or task, by what it refers to. */
  columnOf(ref: string): Column | null {
    return this.#layout.columns.find((column) => column.participant.ref === ref) ?? null;
  }

  #listen(): void {
    this.element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.element.addEventListener("pointerover", (event) => this.#emphasis.hover(event.target));
    this.element.addEventListener("pointerleave", () => this.#emphasis.hover(null));
    this.element.addEventListener("click", (event) => this.#clicked(event.target));
    this.element.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #clicked(target: EventTarget | null): void {
    if (!(target instanceof Element)) return;
    const fold = target.closest<SVGElement>("[data-fold]")?.dataset.fold;
    const participant = target.closest<HTMLElement>("[data-participant]")?.dataset.participant;
    if (fold !== undefined) this.#events.unfold(fold);
    else if (participant !== undefined) {
      const found = this.participant(participant);
      if (found) this.#events.participant(found);
    } else {
      this.choose(target.closest<SVGElement | HTMLElement>("[data-id]")?.dataset.id ?? null);
      this.#revealChosen();
    }
  }

  #pressed(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "j" || event.key === "k") this.#step(event.key === "j" ? 1 : -1);
    else if (event.key === "Escape" && this.#emphasis.chosen) this.choose(null);
    else if (event.key === "Enter" || event.key === " ") {
      const button = event.target instanceof SVGElement && event.target.getAttribute("role") === "button";
      if (!button) return;
      this.#clicked(event.target);
    } else return;
    event.preventDefault();
  }

  /** Chooses the next or the previous row and brings it into view. */
  #step(by: 1 | -1): void {
    const { rows } = this.#layout;
    const visible = rowsInView(rows, { top: this.element.scrollTop, bottom: this.element.scrollTop });
    const current = rows.findIndex(({ step }) => step.id === this.#emphasis.chosen?.id);
    const first = visible[0] ? rows.indexOf(visible[0]) : 0;
    const row = rows[current < 0 ? first : current + by];
    if (!row) return;
    this.#reveal(row);
    this.choose(row.step.id);
    this.#paint();
    this.#picture.ofStep(row.step.id)?.focus({ preventScroll: true });
  }

  #reveal(row: Row): void {
    const height = this.element.clientHeight - BAND - this.#open.height;
    const { scrollTop } = this.element;
    this.#across.reveal(row, this.#layout.spacing);
    if (row.top < scrollTop) this.element.scrollTop = row.top - 2 * row.height;
    else if (row.top + row.height > scrollTop + height) this.element.scrollTop = row.top + 3 * row.height - height;
  }

  #scrolled(): void {
    this.#notice();
    this.#seen();
    this.#schedule();
  }

  /** Going up ends the following, coming to the bottom begins it; that the page moved something is neither. */
  #notice(): void {
    const { scrollTop } = this.element;
    if (this.#isAtBottom()) this.#follows = true;
    else if (scrollTop < this.#lastTop) this.#follows = false;
    this.#lastTop = scrollTop;
  }

  /** The details beside the diagram take room from it: what they tell of must not go out of sight by that. */
  #resizedTo(): void {
    if (this.#follows && this.element.scrollTop > 0) this.element.scrollTop = this.element.scrollHeight;
    this.#revealChosen();
    this.#schedule();
  }

  #revealChosen(): void {
    const row = this.#layout.rows.find(({ step }) => step.id === this.#emphasis.chosen?.id);
    if (row) this.#reveal(row);
  }

  #toBottom(): void {
    this.element.scrollTop = this.element.scrollHeight;
    this.#across.follow(this.#layout);
  }

  #isAtBottom(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollTop + clientHeight >= scrollHeight - NEAR;
  }

  #seen(): void {
    const { rows } = this.#layout;
    if (this.#follows || this.#seenRows > rows.length) this.#seenRows = rows.length;
    this.#events.behind(rows.length - this.#seenRows);
  }

  /** The first row in view and how far it stands from the view's top. */
  #anchor(): { id: string; offset: number } | null {
    const { scrollTop } = this.element;
    const row = rowsInView(this.#layout.rows, { top: scrollTop, bottom: scrollTop + CHUNK })[0];
    return row ? { id: row.step.id, offset: row.top - scrollTop } : null;
  }

  #restore({ id, offset }: { id: string; offset: number }): void {
    const row = this.#layout.rows.find(({ step }) => step.id === id);
    if (row && row.top - offset !== this.element.scrollTop) this.element.scrollTop = row.top - offset;
  }

  #schedule(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #resize(): void {
    const { height, spacing } = this.#layout;
    this.#canvas.style.height = `${height}px`;
    this.element.style.setProperty("--gutter", `${GUTTERS[this.clock]}px`);
    this.#canvas.style.width = `${GUTTERS[this.clock] + spacing.width}px`;
    this.#band.style.width = this.#canvas.style.width;
  }

  #paint(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#resize();
    const scene = this.#scene();
    this.#picture.show(scene);
    this.#gutter.show(scene, this.clock);
    this.#heads.show(scene, this.element.scrollTop);
    if (this.#open.show(scene, this.#now()) && this.#follows) this.#toBottom();
    this.#emphasis.show();
    tick(this.#picture.element, this.#now());
  }

  #scene(): Scene {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.element;
    const { height, spacing } = this.#layout;
    const top = Math.max(0, Math.floor(scrollTop / CHUNK - 0.5) * CHUNK);
    const bottom = Math.min(height, Math.ceil((scrollTop + clientHeight) / CHUNK + 0.5) * CHUNK);
    const right = Math.min(spacing.width, scrollLeft + clientWidth - GUTTERS[this.clock]);
    const view = { left: scrollLeft, right: Math.max(right, scrollLeft), top, bottom: Math.max(top, bottom) };
    return { layout: this.#layout, view, measure: this.#measure, hues: this.#hues };
  }
}
