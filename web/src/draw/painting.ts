// Paints a layout: the heads at the top edge, the times at the left, the open tags at the bottom, the steps between.

import type { Layout } from "../layout/layout.ts";
import type { Measure } from "../layout/shape.ts";
import { GUTTERS, PAINT_STEP } from "../layout/sizes.ts";
import type { Hues } from "../model/hues.ts";
import { type Clock, Gutter } from "./gutter.ts";
import { Heads } from "./heads.ts";
import type { Scene } from "./marks/mark.ts";
import { tick } from "./marks/note.ts";
import { OpenBand } from "./open_band.ts";
import { SvgRenderer } from "./svg_renderer.ts";

export class Painting {
  clock: Clock = "since first";
  readonly #element: HTMLElement;
  readonly #measure: Measure;
  readonly #hues: Hues;
  readonly #canvas = document.createElement("div");
  readonly #headBand = document.createElement("div");
  readonly #heads = new Heads();
  readonly #gutter = new Gutter();
  readonly #drawing = new SvgRenderer();
  readonly #openBand = new OpenBand();

  /** `element`: the scrolling element that everything is put into. */
  constructor(element: HTMLElement, measure: Measure, hues: Hues) {
    this.#element = element;
    this.#measure = measure;
    this.#hues = hues;
    this.#headBand.className = "tn-head-band";
    this.#canvas.className = "tn-canvas";
    const corner = document.createElement("div");
    corner.className = "tn-corner";
    this.#headBand.append(corner, this.#heads.element);
    this.#canvas.append(this.#gutter.element, this.#drawing.element);
    element.append(this.#headBand, this.#canvas, this.#openBand.element);
  }

  /** The width of the gutter, in CSS pixels. */
  get gutterWidth(): number {
    return GUTTERS[this.clock];
  }

  /** The height of the band at the bottom edge, in CSS pixels. */
  get openBandHeight(): number {
    return this.#openBand.height;
  }

  /** Forgets what belongs to the previous diagram. */
  clear(): void {
    this.#openBand.clear();
  }

  resize({ height, spacing }: Layout): void {
    this.#element.style.setProperty("--gutter", `${this.gutterWidth}px`);
    this.#canvas.style.height = `${height}px`;
    this.#canvas.style.width = `${this.gutterWidth + spacing.width}px`;
    this.#headBand.style.width = this.#canvas.style.width;
  }

  /** Paints what is in view as of `nowNs`; true when the band at the bottom edge changed its height. */
  paint(layout: Layout, nowNs: number): boolean {
    this.resize(layout);
    const scene = this.#sceneOf(layout);
    this.#drawing.show(scene);
    this.#gutter.show(scene, this.clock);
    this.#heads.show(scene, this.#element.scrollTop);
    tick(this.#drawing.element, nowNs);
    return this.#openBand.show(scene, nowNs);
  }

  focus(stepId: string): void {
    this.#drawing.elementOf(stepId)?.focus({ preventScroll: true });
  }

  #sceneOf(layout: Layout): Scene {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.#element;
    const { height, spacing } = layout;
    const top = Math.max(0, Math.floor(scrollTop / PAINT_STEP - 0.5) * PAINT_STEP);
    const bottom = Math.min(height, Math.ceil((scrollTop + clientHeight) / PAINT_STEP + 0.5) * PAINT_STEP);
    const right = Math.min(spacing.width, scrollLeft + clientWidth - this.gutterWidth);
    const view = { left: scrollLeft, right: Math.max(right, scrollLeft), top, bottom: Math.max(top, bottom) };
    return { layout, view, measure: this.#measure, hues: this.#hues };
  }
}
