// What stands out: the chosen step with all of its lifecycle, else the lifecycle under the pointer.

import type { Picture } from "./picture.ts";

export interface Chosen {
  readonly id: string;
  readonly lifecycle: string | null;
}

export class Emphasis {
  chosen: Chosen | null = null;
  readonly #picture: Picture;
  #hovered: string | null = null;

  constructor(picture: Picture) {
    this.#picture = picture;
  }

  hover(target: EventTarget | null): void {
    const lifecycle = lifecycleAt(target);
    if (lifecycle === this.#hovered) return;
    this.#hovered = lifecycle;
    this.show();
  }

  /** Marks the elements in view anew; what comes into view later needs it again. */
  show(): void {
    const { element } = this.#picture;
    for (const marked of element.querySelectorAll(".lit, .chosen")) marked.classList.remove("lit", "chosen");
    const lifecycle = this.chosen?.lifecycle ?? this.#hovered;
    if (lifecycle !== null) for (const one of this.#picture.ofLifecycle(lifecycle)) one.classList.add("lit");
    if (this.chosen) this.#picture.ofStep(this.chosen.id)?.classList.add("chosen");
    element.classList.toggle("fades", this.chosen !== null && this.chosen.lifecycle !== null);
  }
}

function lifecycleAt(target: EventTarget | null): string | null {
  if (!(target instanceof Element)) return null;
  return target.closest<SVGElement>("[data-lifecycle]")?.dataset.lifecycle ?? null;
}
