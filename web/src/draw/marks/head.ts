// Participants' heads: a task is a box; a lock, a database and a queue have shapes of their own.

import type { Column } from "../../layout/shape.ts";
import * as size from "../../layout/sizes.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

// Drawn in a square of 16. A stereotype is any text from the program: unlike an object, a Map has no "constructor" key.
const SHAPES = new Map([
  [
    "control",
    "M3.5,7.5h9a1,1 0 0 1 1,1v5a1,1 0 0 1 -1,1h-9a1,1 0 0 1 -1,-1v-5a1,1 0 0 1 1,-1zM5,7.5v-2.5a3,3 0 0 1 6,0v2.5",
  ],
  ["database", "M2.5,4a5.5,2.3 0 0 1 11,0a5.5,2.3 0 0 1 -11,0M2.5,4v8a5.5,2.3 0 0 0 11,0v-8M2.5,8a5.5,2.3 0 0 0 11,0"],
  ["queue", "M1.5,4h13v8h-13zM5,4v8M8.25,4v8M11.5,4v8"],
]);

/** The shape of a stereotype as a small icon, or null for a plain participant. */
export function glyph(stereotype: string): SVGSVGElement | null {
  const d = SHAPES.get(stereotype);
  return d === undefined
    ? null
    : svg("svg", { class: "tn-glyph", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d }));
}

/** The classes of a head. A resource has its hue; a task has no colour of its own. What has ended is faint. */
export function headClass({ participant }: Column, { hues }: Pick<Scene, "hues">): string {
  const kind = participant.role === "task" ? "tn-task" : `tn-resource tn-hue-${hues.of(participant)}`;
  return `tn-head ${kind}${participant.ended ? " tn-ended" : ""}`;
}

/** The heads of participants that were created in the diagram, where they were created. */
export function createdHeads(scene: Scene): Mark[] {
  const { layout, view } = scene;
  return layout.columns.flatMap((column) => {
    const { created, top, head } = column;
    if (!created || top + size.HEAD_HEIGHT < view.top || top - size.HEAD_HEIGHT > view.bottom) return [];
    const x = layout.spacing.x(column.slot);
    if (x + head.width < view.left || x - head.width > view.right) return [];
    return [headMark(column, x, top, scene)];
  });
}

/** A head around a point. */
export function headMark(column: Column, x: number, middle: number, scene: Scene): Mark {
  const { participant, head } = column;
  const box = { x: x - head.width / 2, y: middle - size.HEAD_HEIGHT / 2, width: head.width, height: size.HEAD_HEIGHT };
  return {
    key: participant.id,
    signature: `${x} ${middle} ${head.width} ${participant.label} ${participant.ended}`,
    make: () => {
      const attributes = { role: "button", tabindex: 0, "aria-label": participant.label };
      const group = svg(
        "g",
        { class: headClass(column, scene), "data-participant": participant.id, ...attributes },
        svg("rect", { ...box, rx: size.HEAD_RADIUS }),
        svg("title", {}, participant.label),
      );
      const shape = SHAPES.get(participant.stereotype);
      head.lines.forEach(({ text, role }, i) => {
        const y = middle + size.BASELINE + (i - (head.lines.length - 1) / 2) * size.HEAD_LINE;
        const shift = i === 0 && shape !== undefined ? size.HEAD_ICON / 2 : 0;
        group.append(
          svg("text", { class: role === "kind" ? "tn-kind" : null, x: x + shift, y, "text-anchor": "middle" }, text),
        );
        if (shift === 0 || shape === undefined) return;
        const left = x - scene.measure(text, role) / 2 - size.HEAD_ICON / 2;
        const transform = `translate(${left},${y - size.HEAD_ICON_TOP}) scale(${size.HEAD_ICON_SCALE})`;
        group.append(svg("path", { class: "tn-glyph", d: shape, transform }));
      });
      return group;
    },
  };
}
