// The lifecycle that stands out: that of the chosen step, otherwise the one under the pointer.

export interface ChosenStep {
  readonly id: string;
  readonly lifecycle: string | null;
}

export class Emphasis {
  chosen: ChosenStep | null = null;
  readonly #root: Element;
  #hovered: string | null = null;

  /** `root`: the element that contains the steps, activations and tags. */
  constructor(root: Element) {
    this.#root = root;
  }

  hover(target: EventTarget | null): void {
    const lifecycle = lifecycleAt(target);
    if (lifecycle === this.#hovered) return;
    this.#hovered = lifecycle;
    this.show();
  }

  /** Marks the elements in view. Call it again when other elements come into view. */
  show(): void {
    for (const element of this.#root.querySelectorAll(".tn-lit, .tn-chosen")) {
      element.classList.remove("tn-lit", "tn-chosen");
    }
    const lifecycle = this.chosen?.lifecycle ?? this.#hovered;
    if (lifecycle !== null) this.#mark("data-lifecycle", lifecycle, "tn-lit");
    if (this.chosen) this.#mark("data-id", this.chosen.id, "tn-chosen");
    this.#root.classList.toggle("tn-fades", this.chosen !== null && this.chosen.lifecycle !== null);
  }

  #mark(attribute: string, value: string, name: string): void {
    const elements = this.#root.querySelectorAll(`[${attribute}="${CSS.escape(value)}"]`);
    for (const element of elements) element.classList.add(name);
  }
}

function lifecycleAt(target: EventTarget | null): string | null {
  if (!(target instanceof Element)) return null;
  return target.closest<SVGElement | HTMLElement>("[data-lifecycle]")?.dataset.lifecycle ?? null;
}
