import type { Layout } from "../../layout/layout.ts";
import type { Measure } from "../../layout/shape.ts";
import type { Hues } from "../../model/hues.ts";

/** One visible thing. Its element is made again only when its signature changes. */
export interface Mark {
  readonly key: string;
  readonly signature: string;
  readonly make: () => SVGElement;
  readonly isHint?: true; // it points at something offscreen, and gives way to what is in view of the same row
}

/** The part of the diagram that is in view, in the diagram's coordinates. */
export interface Viewport {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** What marks are made from. */
export interface Scene {
  readonly layout: Layout;
  readonly view: Viewport;
  readonly measure: Measure;
  readonly hues: Hues;
}
