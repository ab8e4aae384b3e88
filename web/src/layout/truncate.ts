import type { Measure } from "./shape.ts";
import { MAX_MEASURED } from "./sizes.ts";

/** The text on one line, ending in "…" where it is wider than `width` (CSS pixels). */
export function truncate(
  text: string,
  width: number,
  measure: Measure,
  role: Parameters<Measure>[1] = "label",
): string {
  const line = text.replace(/[\r\n\t]+/g, " ");
  if (line.length <= MAX_MEASURED && measure(line, role) <= width) return line;
  const characters = [...line.slice(0, MAX_MEASURED)];
  let fitting = 0;
  let limit = characters.length;
  while (fitting < limit) {
    const middle = Math.ceil((fitting + limit) / 2);
    if (measure(`${characters.slice(0, middle).join("")}…`, role) <= width) fitting = middle;
    else limit = middle - 1;
  }
  return `${characters.slice(0, fitting).join("")}…`;
}
