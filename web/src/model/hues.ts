// One colour for one resource, the same in the table and in the diagram, for as long as the page stands.

export const HUES = 8;

/** Hands out hues 0 to HUES - 1 in the order in which resources are first seen. */
export class Hues {
  #of = new Map<string, number>();

  /** The hue of a resource's id. */
  of(ref: string): number {
    let hue = this.#of.get(ref);
    if (hue === undefined) {
      hue = this.#of.size % HUES;
      this.#of.set(ref, hue);
    }
    return hue;
  }
}
