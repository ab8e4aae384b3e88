// The picture: of a diagram of any length only what is in view stands in the document.

import type { Row } from "../layout/shape.ts";
import { frames, tabs } from "./marks/frame.ts";
import { createdHeads } from "./marks/head.ts";
import { bars, lifelines } from "./marks/lifeline.ts";
import type { Mark, Scene, View } from "./marks/mark.ts";
import { message } from "./marks/message.ts";
import { note } from "./marks/note.ts";
import { svg } from "./svg.ts";

const LAYERS = ["frames", "lifelines", "bars", "rows", "tabs", "heads"] as const;

interface Standing {
  readonly signature: string;
  readonly element: SVGElement;
}

export class Picture {
  readonly element = svg("svg", { class: "picture" });
  readonly #root = svg("g");
  readonly #layers = LAYERS.map((name) => ({
    element: svg("g", name === "rows" ? { class: name, role: "list" } : { class: name }),
    standing: new Map<string, Standing>(),
  }));

  constructor() {
    this.element.append(this.#root);
    this.#root.append(...this.#layers.map((layer) => layer.element));
  }

  /** Makes the document show the scene's view: what is new is made, what has left is removed, the rest is kept. */
  show(scene: Scene): void {
    const { left, top, right, bottom } = scene.view;
    this.element.setAttribute("width", String(right - left));
    this.element.setAttribute("height", String(bottom - top));
    this.element.style.transform = `translate(${left}px, ${top}px)`;
    this.#root.setAttribute("transform", `translate(${-left},${-top})`);
    const marks = [frames, lifelines, bars, rows, tabs, createdHeads].map((of) => of(scene));
    this.#layers.forEach((layer, i) => {
      reconcile(layer.element, layer.standing, marks[i] ?? []);
    });
  }

  /** The element of a step, where it is in view. */
  ofStep(id: string): SVGElement | null {
    return this.element.querySelector<SVGElement>(`[data-id="${CSS.escape(id)}"]`);
  }
}

/** The rows that a view shows, found by halving. */
export function rowsInView(rows: readonly Row[], { top, bottom }: Pick<View, "top" | "bottom">): readonly Row[] {
  return rows.slice(firstEndingAfter(rows, top), firstBeginningAfter(rows, bottom));
}

function rows(scene: Scene): Mark[] {
  const inView = rowsInView(scene.layout.rows, scene.view);
  const marks = inView.map((row) => ({ row, mark: row.kind === "note" ? note(row, scene) : message(row, scene) }));
  // Notes side by side share a height: there is room for a hint only where nothing else is, and for one.
  const taken = new Set(marks.flatMap(({ row, mark }) => (mark.isHint ? [] : [row.top])));
  return marks.flatMap(({ row, mark }) => {
    if (mark.isHint && taken.has(row.top)) return [];
    taken.add(row.top);
    return [mark];
  });
}

function firstEndingAfter(rows: readonly Row[], y: number): number {
  return halve(rows.length, (i) => (rows[i]?.top ?? 0) + (rows[i]?.height ?? 0) > y);
}

function firstBeginningAfter(rows: readonly Row[], y: number): number {
  return halve(rows.length, (i) => (rows[i]?.top ?? 0) > y);
}

/** The first of `count` places for which the test holds, which holds for all behind it. */
function halve(count: number, test: (place: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function reconcile(parent: SVGElement, standing: Map<string, Standing>, marks: readonly Mark[]): void {
  const wanted = new Set(marks.map((mark) => mark.key));
  for (const [key, { element }] of standing) {
    if (wanted.has(key)) continue;
    element.remove();
    standing.delete(key);
  }
  for (const mark of marks) {
    const old = standing.get(mark.key);
    if (old?.signature === mark.signature) continue;
    const element = mark.make();
    if (old) {
      const hadFocus = old.element === document.activeElement;
      old.element.replaceWith(element);
      if (hadFocus) element.focus({ preventScroll: true });
    } else parent.append(element);
    standing.set(mark.key, { signature: mark.signature, element });
  }
}
