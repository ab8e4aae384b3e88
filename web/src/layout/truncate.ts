import type { Measure } from "./shape.ts";
import { MAX_MEASURED } from "./sizes.ts";

type Role = Parameters<Measure>[1];

/** The text on one line, ending in "…" where it is wider than `width` (CSS pixels). */
export function truncate(text: string, width: number, measure: Measure, role: Role = "label"): string {
  return shortened(text, width, measure, role, (characters, count) => `${characters.slice(0, count).join("")}…`);
}

/** As `truncate`, with "…" in the middle: the point of a sentence may stand at its end. */
export function truncateMiddle(text: string, width: number, measure: Measure, role: Role = "label"): string {
  return shortened(text, width, measure, role, (characters, count) => {
    const end = Math.floor(count / 2);
    const start = characters.slice(0, count - end).join("");
    return `${start.trimEnd()}…${end > 0 ? characters.slice(-end).join("").trimStart() : ""}`;
  });
}

/** The text, or the longest of its short forms that fits; `form` makes one of so many characters. */
function shortened(
  text: string,
  width: number,
  measure: Measure,
  role: Role,
  form: (characters: readonly string[], count: number) => string,
): string {
  const line = text.replace(/[\r\n\t]+/g, " ");
  if (line.length <= MAX_MEASURED && measure(line, role) <= width) return line;
  const half = MAX_MEASURED / 2;
  const characters = [...(line.length <= MAX_MEASURED ? line : line.slice(0, half) + line.slice(-half))];
  let fitting = 0;
  let limit = characters.length;
  while (fitting < limit) {
    const middle = Math.ceil((fitting + limit) / 2);
    if (measure(form(characters, middle), role) <= width) fitting = middle;
    else limit = middle - 1;
  }
  return form(characters, fitting);
}
