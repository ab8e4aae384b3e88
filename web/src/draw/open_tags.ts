// Which tags the band at the bottom edge shows, and where: a pure function of the scene and the time.

import type { Box } from "../layout/pack.ts";
import type { OpenTag } from "../layout/shape.ts";
import { TAG_EDGE, TAG_GAP, TAG_PADDING } from "../layout/sizes.ts";
import { formatBrief } from "../model/durations.ts";
import type { Scene } from "./marks/mark.ts";

const MAX_TAGS = 3; // of a column; if there are more, the last tag counts them

export interface TagBox extends Box {
  readonly text: string;
  readonly tags: readonly OpenTag[]; // one, or those that are counted together
}

export function tagBoxes(scene: Scene, nowNs: number): TagBox[] {
  const byColumn = new Map<OpenTag["column"], OpenTag[]>();
  for (const tag of scene.layout.tags) {
    const tags = byColumn.get(tag.column);
    if (tags) tags.push(tag);
    else byColumn.set(tag.column, [tag]);
  }
  return [...byColumn.values()].flatMap((tags) => {
    tags.sort((a, b) => (a.step.since_ns ?? 0) - (b.step.since_ns ?? 0));
    const single = tags.length > MAX_TAGS ? tags.slice(0, MAX_TAGS - 1) : tags;
    const counted = tags.slice(single.length);
    const boxes = single.map((tag) => boxOf(tag.step.id, tagText(tag.step, nowNs), [tag], scene));
    const [first] = counted;
    if (!first) return boxes;
    return [...boxes, boxOf(`more ${first.column.participant.id}`, `+${counted.length} more`, counted, scene)];
  });
}

function boxOf(id: string, text: string, tags: readonly OpenTag[], scene: Scene): TagBox {
  const x = tags[0] ? scene.layout.spacing.x(tags[0].column.slot) : 0;
  const width = scene.measure(text.replace(/\d/g, "0"), "tag") + TAG_PADDING + TAG_GAP;
  const left = Math.max(TAG_EDGE, Math.min(scene.layout.spacing.width - width, x - width / 2));
  return { id, text, tags, left, right: left + width };
}

export function isWaiting({ step }: OpenTag): boolean {
  return (step.lead ?? step.text).startsWith("still waiting");
}

/** The note in brief: "held 4 s", "waiting 2 min"; "held" for less than a second. */
export function tagText({ lead, text, since_ns }: OpenTag["step"], nowNs: number): string {
  const word = /^still (\w+)/.exec(lead ?? text)?.[1] ?? lead ?? text;
  const passed = since_ns === null ? 0 : nowNs - since_ns;
  return passed < 1e9 ? word : `${word} ${formatBrief(passed)}`;
}
