// How wide a note's box is.

import type { Note } from "../schema/messages.ts";
import type { Measure } from "./shape.ts";
import { NOTE_MAX, NOTE_PADDING } from "./sizes.ts";

const LONGEST_TIME = " 59 min 59 s";

/** The width, in CSS pixels; a note that counts time on by itself has room for more of it. */
export function noteWidth({ text, lead, since_ns }: Note, measure: Measure): number {
  const longest = since_ns === null || lead === null ? text : `${lead}${LONGEST_TIME}`;
  return Math.min(NOTE_MAX, measure(longest, "label") + NOTE_PADDING);
}
