import type { Note } from "../schema/messages.ts";
import type { Measure } from "./shape.ts";
import { NOTE_MAX, NOTE_PADDING } from "./sizes.ts";
import { truncate } from "./truncate.ts";

const LONGEST_TIME = ", 59 min 59 s";

/** The width of a note's box, in CSS pixels. A note whose time ticks has room for a longer time. */
export function noteWidth({ text, lead, since_ns }: Note, measure: Measure): number {
  const longest = since_ns === null || lead === null ? text : `${lead}${LONGEST_TIME}`;
  return Math.min(NOTE_MAX, measure(longest, "label") + NOTE_PADDING);
}

/** The part of a ticking note before its time, truncated so that the time has room in the box. */
export function leadThatFits(lead: string, measure: Measure): string {
  return truncate(lead, NOTE_MAX - NOTE_PADDING - measure(LONGEST_TIME, "label"), measure);
}
