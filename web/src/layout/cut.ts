// Texts cut to a width.

import type { Measure } from "./shape.ts";
import { LONGEST } from "./sizes.ts";

/** The text on one line, cut with "…" where it is wider than `width`. */
export function cut(text: string, width: number, measure: Measure, role: Parameters<Measure>[1] = "label"): string {
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
