// What a scene consists of, from back to front. A pure function: the renderer and the snapshots both start here.

import { rowsBetween } from "../layout/rows_between.ts";
import { activations } from "./marks/activation.ts";
import { fragmentFrames, fragmentLabels } from "./marks/fragment.ts";
import { createdHeads } from "./marks/head.ts";
import { lifelines } from "./marks/lifeline.ts";
import type { Mark, Scene } from "./marks/mark.ts";
import { message } from "./marks/message.ts";
import { note } from "./marks/note.ts";

export const LAYERS = {
  fragments: fragmentFrames,
  lifelines,
  activations,
  rows,
  labels: fragmentLabels,
  heads: createdHeads,
} as const satisfies Record<string, (scene: Scene) => Mark[]>;

function rows(scene: Scene): Mark[] {
  const { layout, view } = scene;
  const marks = rowsBetween(layout.rows, view.top, view.bottom).map((row) => ({
    top: row.top,
    mark: row.kind === "note" ? note(row, scene) : message(row, scene),
  }));
  // Notes side by side share a height. A hint needs an empty height, and one hint fills it.
  const taken = new Set(marks.flatMap(({ top, mark }) => (mark.isHint ? [] : [top])));
  return marks.flatMap(({ top, mark }) => {
    if (mark.isHint && taken.has(top)) return [];
    taken.add(top);
    return [mark];
  });
}
