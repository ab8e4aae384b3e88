// The width of texts, and texts cut to a width.

import type { Measure } from "../layout/shape.ts";

const LONGEST = 300; // characters that are measured: what is longer is cut anyway
const CACHED = 20_000;

/** Measures with the fonts that the element's style sets for labels and heads. */
export function measureLike(element: HTMLElement): Measure {
  const context = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(element);
  const fonts = { label: `12px ${style.fontFamily}`, head: `600 12px ${style.fontFamily}` };
  const widths = new Map<string, number>();
  return (text, role) => {
    const key = `${role} ${text.slice(0, LONGEST)}`;
    let width = widths.get(key);
    if (width === undefined) {
      if (context) context.font = fonts[role];
      width = context ? context.measureText(text.slice(0, LONGEST)).width : 7 * text.length;
      if (widths.size > CACHED) widths.clear();
      widths.set(key, width);
    }
    return width;
  };
}

/** The text on one line, cut with "…" where it is wider than `width`. */
export function cut(text: string, width: number, measure: Measure, role: "label" | "head" = "label"): string {
  const line = text.replace(/[\r\n\t]+/g, " ");
  if (line.length <= LONGEST && measure(line, role) <= width) return line;
  const characters = [...line.slice(0, LONGEST)];
  let fits = 0;
  let most = characters.length;
  while (fits < most) {
    const middle = Math.ceil((fits + most) / 2);
    if (measure(`${characters.slice(0, middle).join("")}…`, role) <= width) fits = middle;
    else most = middle - 1;
  }
  return `${characters.slice(0, fits).join("")}…`;
}
