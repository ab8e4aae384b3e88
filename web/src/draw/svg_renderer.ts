// Keeps an SVG element equal to a scene. Only what is in view is in the document, however long the diagram is.

import { LAYERS } from "./layers.ts";
import type { Mark, Scene } from "./marks/mark.ts";
import { svg } from "./svg.ts";

interface Rendered {
  readonly signature: string;
  readonly element: SVGElement;
}

export class SvgRenderer {
  readonly element = svg("svg", { class: "tn-drawing" });
  readonly #root = svg("g");
  readonly #layers = Object.entries(LAYERS).map(([name, marksOf]) => ({
    marksOf,
    element: svg("g", name === "rows" ? { class: `tn-${name}`, role: "list" } : { class: `tn-${name}` }),
    rendered: new Map<string, Rendered>(),
  }));

  constructor() {
    this.element.append(this.#root);
    this.#root.append(...this.#layers.map((layer) => layer.element));
  }

  /** Adds what is new in the scene's view, removes what has left it, and keeps the rest. */
  show(scene: Scene): void {
    const { left, top, right, bottom } = scene.view;
    this.element.setAttribute("width", String(right - left));
    this.element.setAttribute("height", String(bottom - top));
    this.element.style.transform = `translate(${left}px, ${top}px)`;
    this.#root.setAttribute("transform", `translate(${-left},${-top})`);
    for (const { marksOf, element, rendered } of this.#layers) reconcile(element, rendered, marksOf(scene));
  }

  /** The element of a step, if it is in view. */
  elementOf(stepId: string): SVGElement | null {
    return this.element.querySelector<SVGElement>(`[data-id="${CSS.escape(stepId)}"]`);
  }
}

function reconcile(parent: SVGElement, rendered: Map<string, Rendered>, marks: readonly Mark[]): void {
  const wanted = new Set(marks.map((mark) => mark.key));
  for (const [key, { element }] of rendered) {
    if (wanted.has(key)) continue;
    element.remove();
    rendered.delete(key);
  }
  for (const mark of marks) {
    const old = rendered.get(mark.key);
    if (old?.signature === mark.signature) continue;
    const element = mark.make();
    if (old) {
      const hadFocus = old.element === document.activeElement;
      old.element.replaceWith(element);
      if (hadFocus) element.focus({ preventScroll: true });
    } else parent.append(element);
    rendered.set(mark.key, { signature: mark.signature, element });
  }
}
