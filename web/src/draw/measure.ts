import type { Measure } from "../layout/shape.ts";
import { BOLD, MAX_MEASURED, TEXT } from "../layout/sizes.ts";

const MAX_CACHED = 20_000;
const CHARACTER = 7; // px, where the browser has no canvas

/** Measures texts in the element's font family, in the sizes of the styles. */
export function measureLike(element: HTMLElement): Measure {
  const context = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(element);
  const widths = new Map<string, number>();
  return (text, role) => {
    const key = `${role} ${text.slice(0, MAX_MEASURED)}`;
    let width = widths.get(key);
    if (width === undefined) {
      if (context) context.font = `${BOLD.includes(role) ? 600 : 400} ${TEXT[role]}px ${style.fontFamily}`;
      width = context ? context.measureText(text.slice(0, MAX_MEASURED)).width : CHARACTER * text.length;
      if (widths.size > MAX_CACHED) widths.clear();
      widths.set(key, width);
    }
    return width;
  };
}
