// Each resource has one colour, in the table and in the diagram, until the page is closed.

export const HUES = 8;

const PLAIN = 3; // the last hues are for resources without a shape: time limits, requests, task groups

/** Assigns the hues 0 to HUES - 1 in the order in which resources appear. */
export class Hues {
  #byResource = new Map<string, number>();
  #plainCount = 0;

  /** The hue of a resource, by its id. Locks, pools and queues share no hue with plain resources. */
  of({ ref, stereotype }: { ref: string; stereotype: string }): number {
    let hue = this.#byResource.get(ref);
    if (hue === undefined) {
      const isPlain = stereotype === "participant";
      const shapedCount = this.#byResource.size - this.#plainCount;
      hue = isPlain ? HUES - PLAIN + (this.#plainCount++ % PLAIN) : shapedCount % (HUES - PLAIN);
      this.#byResource.set(ref, hue);
    }
    return hue;
  }
}
