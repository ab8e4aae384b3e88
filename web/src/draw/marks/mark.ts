// A mark is one thing to be seen: it is made anew only when its signature changes.

import type { Layout } from "../../layout/layout.ts";
import type { Measure } from "../../layout/shape.ts";
import type { Hues } from "../../model/hues.ts";

export interface Mark {
  readonly key: string;
  readonly signature: string;
  readonly make: () => SVGElement;
  readonly isHint?: true; // of what is beyond an edge; it gives way to what is in view of the same row
}

/** What part of the diagram is in view, in its own coordinates. */
export interface View {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** What marks are made from. */
export interface Scene {
  readonly layout: Layout;
  readonly view: View;
  readonly measure: Measure;
  readonly hues: Hues;
}
