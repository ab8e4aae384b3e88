// What stands out: the chosen step with all of its lifecycle, else the lifecycle under the pointer.

export interface Chosen {
  readonly id: string;
  readonly lifecycle: string | null;
}

export class Emphasis {
  chosen: Chosen | null = null;
  readonly #root: Element;
  #hovered: string | null = null;

  /** `root`: the element in which the steps, activations and tags stand. */
  constructor(root: Element) {
    this.#root = root;
  }

  hover(target: EventTarget | null): void {
    const lifecycle = lifecycleAt(target);
    if (lifecycle === this.#hovered) return;
    this.#hovered = lifecycle;
    this.show();
  }

  /** Marks the elements in view anew; what comes into view later needs it again. */
  show(): void {
    for (const marked of this.#root.querySelectorAll(".lit, .chosen")) marked.classList.remove("lit", "chosen");
    const lifecycle = this.chosen?.lifecycle ?? this.#hovered;
    if (lifecycle !== null) for (const one of this.#all("data-lifecycle", lifecycle)) one.classList.add("lit");
    if (this.chosen) for (const one of this.#all("data-id", this.chosen.id)) one.classList.add("chosen");
    this.#root.classList.toggle("fades", this.chosen !== null && this.chosen.lifecycle !== null);
  }

  #all(attribute: string, value: string): NodeListOf<Element> {
    return this.#root.querySelectorAll(`[${attribute}="${CSS.escape(value)}"]`);
  }
}

function lifecycleAt(target: EventTarget | null): string | null {
  if (!(target instanceof Element)) return null;
  return target.closest<SVGElement | HTMLElement>("[data-lifecycle]")?.dataset.lifecycle ?? null;
}
