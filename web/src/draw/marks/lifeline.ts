// Lifelines: solid for a task, dashed for a resource.

import type { Column } from "../../layout/shape.ts";
import { HEAD_HEIGHT } from "../../layout/sizes.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

export function lifelines({ layout, view }: Scene): Mark[] {
  return layout.columns.flatMap((column) => {
    const x = layout.spacing.x(column.slot);
    const top = Math.max(view.top, column.created ? column.top + HEAD_HEIGHT / 2 : 0);
    const bottom = Math.min(view.bottom, column.bottom ?? layout.height);
    if (bottom <= top || x < view.left || x > view.right) return [];
    return [lifeline(column, x, top, bottom)];
  });
}

function lifeline({ participant }: Column, x: number, top: number, bottom: number): Mark {
  return {
    key: participant.id,
    signature: `${x} ${top} ${bottom}`,
    make: () => svg("line", { class: `tn-lifeline tn-${participant.role}`, x1: x, x2: x, y1: top, y2: bottom }),
  };
}
