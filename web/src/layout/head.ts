// What a participant's head says, on at most two lines, so that columns can stand close together: a resource's kind
// above its name, a task's name broken between words.

import type { Participant } from "../schema/messages.ts";
import type { Head, HeadLine, Measure } from "./shape.ts";
import { HEAD_ICON, HEAD_ONE_LINE, HEAD_PADDING, HEAD_TEXT_MAX, HEAD_TEXT_MIN } from "./sizes.ts";
import { truncate, truncateMiddle } from "./truncate.ts";

/** The stereotypes that have a shape of their own; a program may give any other name. */
export const WITH_ICON: ReadonlySet<string> = new Set(["control", "database", "queue"]);

const ICON_ALONE: HeadLine = { text: "", role: "kind" };

export function headOf({ role, stereotype, label }: Participant, measure: Measure): Head {
  const hasIcon = WITH_ICON.has(stereotype);
  const texts = role === "resource" ? resourceLines(label, measure) : wrappedLines(label, measure);
  const lines = hasIcon && texts.length === 1 ? [ICON_ALONE, ...texts] : texts;
  const widths = lines.map(({ text, role }, i) => measure(text, role) + (hasIcon && i === 0 ? HEAD_ICON : 0));
  return { lines, width: Math.ceil(Math.max(HEAD_TEXT_MIN, ...widths) + 2 * HEAD_PADDING) };
}

/** "Lock stock_lock @ shop": the kind has no blank, the name follows it. With several programs the service follows. */
function resourceLines(label: string, measure: Measure): readonly HeadLine[] {
  const [, kind = "", name = "", service = ""] = /^(\S+) ([^(@].*?)( @ .+)?$/s.exec(label) ?? [];
  if (name === "") return wrappedLines(label, measure);
  return [
    { text: truncate(kind + service, HEAD_TEXT_MAX, measure, "kind"), role: "kind" },
    { text: truncateMiddle(name, HEAD_TEXT_MAX, measure, "head"), role: "head" },
  ];
}

/** One line where the label is short or cannot be broken; otherwise two, as even as the words allow. */
function wrappedLines(label: string, measure: Measure): readonly HeadLine[] {
  const line = (text: string): HeadLine => ({ text: truncate(text, HEAD_TEXT_MAX, measure, "head"), role: "head" });
  const width = measure(label, "head");
  const fitsOneLine = width <= HEAD_TEXT_MAX;
  const breaks = width <= HEAD_ONE_LINE ? [] : breaksIn(label, fitsOneLine ? BETWEEN_WORDS : WITHIN_NAMES);
  const pairs = breaks.map((index) => [label.slice(0, index).trimEnd(), label.slice(index)] as const);
  const [first, ...others] = pairs;
  if (first) {
    const widest = (pair: readonly string[]) => Math.max(...pair.map((text) => measure(text, "head")));
    const [upper, lower] = others.reduce((best, pair) => (widest(pair) < widest(best) ? pair : best), first);
    return [line(upper), line(lower)];
  }
  if (fitsOneLine) return [line(label)];
  const fitting = truncate(label, HEAD_TEXT_MAX, measure, "head").length - 1;
  return [{ text: label.slice(0, fitting), role: "head" }, line(label.slice(fitting))];
}

const BETWEEN_WORDS = /(?<!@)[\s\-_.:/,](?=\S)/gu;
const WITHIN_NAMES = /(?<!@)[\s\-_.:/,](?=\S)|\p{Ll}(?=\p{Lu})/gu;

/** The indexes at which the label may be broken. */
function breaksIn(label: string, pattern: RegExp): number[] {
  return [...label.matchAll(pattern)].map(({ index }) => index + 1);
}
