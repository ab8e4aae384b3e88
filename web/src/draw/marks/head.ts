// Participants' heads: a task is a box, a lock, a database and a queue have shapes of their own.

import type { Column } from "../../layout/shape.ts";
import { HEAD, HEAD_ICON } from "../../layout/sizes.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

const LINE = 14; // from one line of text to the next

// Drawn in a square of 16. A stereotype comes from the program: a Map has no "constructor" that nobody put there.
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
    : svg("svg", { class: "glyph", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d }));
}

/** "hue-3" for a resource; a task has no colour of its own. */
export function headClass(column: Column, { hues }: Pick<Scene, "hues">): string {
  const { participant } = column;
  return participant.role === "task" ? "head task" : `head resource hue-${hues.of(participant)}`;
}

/** The heads that stand in place, where their participants were created. */
export function createdHeads(scene: Scene): Mark[] {
  const { layout, view } = scene;
  return layout.columns.flatMap((column) => {
    if (!column.created || column.top + HEAD < view.top || column.top - HEAD > view.bottom) return [];
    const x = layout.spacing.x(column.slot);
    if (x + column.head.width < view.left || x - column.head.width > view.right) return [];
    return [createdHead(column, x, scene)];
  });
}

function createdHead(column: Column, x: number, scene: Scene): Mark {
  const { participant, head, top } = column;
  return {
    key: participant.id,
    signature: `${x} ${top} ${head.width} ${participant.label}`,
    make: () => {
      const attributes = { role: "button", tabindex: 0, "aria-label": participant.label };
      const group = svg(
        "g",
        { class: headClass(column, scene), "data-participant": participant.id, ...attributes },
        svg("rect", { x: x - head.width / 2, y: top - HEAD / 2, width: head.width, height: HEAD, rx: 4 }),
        svg("title", {}, participant.label),
      );
      const shape = SHAPES.get(participant.stereotype);
      head.lines.forEach(({ text, role }, i) => {
        const y = top + 4 + (i - (head.lines.length - 1) / 2) * LINE;
        const shift = i === 0 && shape !== undefined ? HEAD_ICON / 2 : 0;
        group.append(svg("text", { class: role, x: x + shift, y, "text-anchor": "middle" }, text));
        if (shift === 0 || shape === undefined) return;
        const at = x - scene.measure(text, role) / 2 - HEAD_ICON / 2;
        group.append(svg("path", { class: "glyph", d: shape, transform: `translate(${at},${y - 11}) scale(0.8)` }));
      });
      return group;
    },
  };
}
