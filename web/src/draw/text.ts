// The width of texts.

import type { Measure } from "../layout/shape.ts";
import { LONGEST } from "../layout/sizes.ts";

const CACHED = 20_000;

/** Measures with the element's font in the sizes that the styles set. */
export function measureLike(element: HTMLElement): Measure {
  const context = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(element);
  const sizes = { label: "12px", head: "600 11px", kind: "10px", tag: "600 10.5px" };
  const widths = new Map<string, number>();
  return (text, role) => {
    const key = `${role} ${text.slice(0, LONGEST)}`;
    let width = widths.get(key);
    if (width === undefined) {
      if (context) context.font = `${sizes[role]} ${style.fontFamily}`;
      width = context ? context.measureText(text.slice(0, LONGEST)).width : 7 * text.length;
      if (widths.size > CACHED) widths.clear();
      widths.set(key, width);
    }
    return width;
  };
}
