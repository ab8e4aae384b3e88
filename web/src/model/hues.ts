// One colour for one resource, the same in the table and in the diagram, for as long as the page stands.

export const HUES = 8;

const PLAIN = 3; // the last hues, of resources with no shape of their own: time limits, requests, task groups

/** Hands out hues 0 to HUES - 1 in the order in which resources are first seen. */
export class Hues {
  #of = new Map<string, number>();
  #plain = 0;

  /** The hue of a resource, by its id. Locks, pools and queues share theirs with nothing that is plain. */
  of({ ref, stereotype }: { ref: string; stereotype: string }): number {
    let hue = this.#of.get(ref);
    if (hue === undefined) {
      const isPlain = stereotype === "participant";
      const shaped = this.#of.size - this.#plain;
      hue = isPlain ? HUES - PLAIN + (this.#plain++ % PLAIN) : shaped % (HUES - PLAIN);
      this.#of.set(ref, hue);
    }
    return hue;
  }
}
