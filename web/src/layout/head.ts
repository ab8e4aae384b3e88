// What a participant's head says, on two lines at most, so that columns can stand close: a resource's kind above its
// name, a task's name broken where words are.

import type { Participant } from "../schema/messages.ts";
import { cut } from "./cut.ts";
import type { Head, Line, Measure } from "./shape.ts";
import { HEAD_ICON, HEAD_LINE, HEAD_MIN, HEAD_PADDING, HEAD_TEXT } from "./sizes.ts";

/** The stereotypes that have a shape of their own; a program may give any other name. */
export const WITH_ICON: ReadonlySet<string> = new Set(["control", "database", "queue"]);

const ICON_ALONE: Line = { text: "", role: "kind" };

export function headOf({ role, stereotype, label }: Participant, measure: Measure): Head {
  const hasIcon = WITH_ICON.has(stereotype);
  const said = role === "resource" ? ofResource(label, measure) : broken(label, measure);
  const lines = hasIcon && said.length === 1 ? [ICON_ALONE, ...said] : said;
  const widths = lines.map(({ text, role }, i) => measure(text, role) + (hasIcon && i === 0 ? HEAD_ICON : 0));
  return { lines, width: Math.ceil(Math.max(HEAD_MIN, ...widths) + 2 * HEAD_PADDING) };
}

/** "Lock stock_lock @ shop": a kind has no blank in it, the name follows; of several programs it says whose it is. */
function ofResource(label: string, measure: Measure): readonly Line[] {
  const [, kind = "", name = "", where = ""] = /^(\S+) ([^(@].*?)( @ .+)?$/s.exec(label) ?? [];
  if (name === "") return broken(label, measure);
  return [
    { text: cut(kind + where, HEAD_TEXT, measure, "kind"), role: "kind" },
    { text: cut(name, HEAD_TEXT, measure, "head"), role: "head" },
  ];
}

/** One line where that is short, or cannot be helped; else two, as even as the words allow. */
function broken(label: string, measure: Measure): readonly Line[] {
  const line = (text: string): Line => ({ text: cut(text, HEAD_TEXT, measure, "head"), role: "head" });
  const width = measure(label, "head");
  const places = width <= HEAD_LINE ? [] : breaks(label, width <= HEAD_TEXT ? BETWEEN_WORDS : WITHIN_NAMES);
  const halves = places.map((at) => [label.slice(0, at).trimEnd(), label.slice(at)] as const);
  const [first, ...others] = halves;
  if (first) {
    const widest = (half: readonly string[]) => Math.max(...half.map((text) => measure(text, "head")));
    const [one, other] = others.reduce((best, half) => (widest(half) < widest(best) ? half : best), first);
    return [line(one), line(other)];
  }
  if (width <= HEAD_TEXT) return [line(label)];
  const fitting = cut(label, HEAD_TEXT, measure, "head").length - 1;
  return [{ text: label.slice(0, fitting), role: "head" }, line(label.slice(fitting))];
}

const BETWEEN_WORDS = /(?<!@)[\s\-_.:/,](?=\S)/gu;
const WITHIN_NAMES = /(?<!@)[\s\-_.:/,](?=\S)|\p{Ll}(?=\p{Lu})/gu;

function breaks(label: string, at: RegExp): number[] {
  return [...label.matchAll(at)].map(({ index }) => index + 1);
}
