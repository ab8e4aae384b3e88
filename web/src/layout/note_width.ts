import type { Note } from "../schema/messages.ts";
import type { Measure } from "./shape.ts";
import { NOTE_MAX, NOTE_PADDING } from "./sizes.ts";

const LONGEST_TIME = " 59 min 59 s";

/** The width of a note's box, in CSS pixels. A note whose time ticks has room for a longer time. */
export function noteWidth({ text, lead, since_ns }: Note, measure: Measure): number {
  const longest = since_ns === null || lead === null ? text : `${lead}${LONGEST_TIME}`;
  return Math.min(NOTE_MAX, measure(longest, "label") + NOTE_PADDING);
}
