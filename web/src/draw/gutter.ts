// The times at the left edge: since the diagram's first step, or by the clock.

import { rowsBetween } from "../layout/rows_between.ts";
import type { Row } from "../layout/shape.ts";
import { GUTTER_TEXT_RISE, type GUTTERS } from "../layout/sizes.ts";
import type { Scene } from "./marks/mark.ts";

export type Clock = keyof typeof GUTTERS;

export class Gutter {
  readonly element = document.createElement("div");
  readonly #rendered = new Map<string, HTMLElement>();

  constructor() {
    this.element.className = "tn-gutter";
    this.element.setAttribute("aria-hidden", "true");
  }

  show({ layout, view }: Scene, clock: Clock): void {
    const firstNs = layout.rows[0]?.step.at_ns ?? 0;
    const wanted = new Map<string, { row: Row; text: string }>();
    let previous = { text: "", top: -1 };
    for (const row of rowsBetween(layout.rows, view.top, view.bottom)) {
      const text = clock === "wall" ? wallTime(row.step.at_ns) : sinceFirst(row.step.at_ns - firstNs);
      const isNew = text !== previous.text && row.top !== previous.top;
      if (isNew) wanted.set(`${row.step.id} ${row.top} ${text}`, { row, text });
      previous = { text, top: row.top };
    }
    for (const [key, element] of this.#rendered) {
      if (wanted.has(key)) continue;
      element.remove();
      this.#rendered.delete(key);
    }
    for (const [key, { row, text }] of wanted) {
      if (this.#rendered.has(key)) continue;
      const element = document.createElement("span");
      const middle = row.kind === "message" ? row.line : row.top + row.height / 2;
      element.textContent = text;
      element.style.top = `${middle - GUTTER_TEXT_RISE}px`;
      this.element.append(element);
      this.#rendered.set(key, element);
    }
  }
}

/** Time since the first step: "0", "25 µs", "1.2 ms", "118 ms", "12.34 s", "3:12.3". */
export function sinceFirst(ns: number): string {
  if (Math.abs(ns) < 1e3) return "0";
  if (ns < 1e5) return `${Math.round(ns / 1e3)} µs`;
  if (ns < 1e8) return `${(ns / 1e6).toFixed(1)} ms`;
  if (ns < 1e9) return `${Math.round(ns / 1e6)} ms`;
  if (ns < 1e11) return `${(ns / 1e9).toFixed(2)} s`;
  const tenths = Math.round(ns / 1e8);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}

/** Wall clock in the reader's zone, to the millisecond: "20:46:24.123". */
export function wallTime(ns: number): string {
  const date = new Date(ns / 1e6);
  const two = (value: number) => String(value).padStart(2, "0");
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
