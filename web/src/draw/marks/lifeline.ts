// Lifelines and the activations on them.

import type { Bar, Column } from "../../layout/shape.ts";
import { BAR, HEAD, LEVEL } from "../../layout/sizes.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

export function lifelines({ layout, view }: Scene): Mark[] {
  return layout.columns.flatMap((column) => {
    const x = layout.spacing.x(column.slot);
    const top = Math.max(view.top, column.created ? column.top + HEAD / 2 : 0);
    const bottom = Math.min(view.bottom, column.bottom ?? layout.height);
    if (bottom <= top || x < view.left || x > view.right) return [];
    return [lifeline(column, x, top, bottom)];
  });
}

function lifeline(column: Column, x: number, top: number, bottom: number): Mark {
  return {
    key: column.participant.id,
    signature: `${x} ${top} ${bottom}`,
    make: () => svg("line", { class: `lifeline ${column.participant.role}`, x1: x, x2: x, y1: top, y2: bottom }),
  };
}

export function bars({ layout, view, hues }: Scene): Mark[] {
  return layout.bars.flatMap((bar) => {
    if (bar.top > view.bottom || (bar.bottom ?? Number.POSITIVE_INFINITY) < view.top) return [];
    const x = layout.spacing.x(bar.column.slot) + bar.level * LEVEL;
    if (x + BAR < view.left || x - BAR > view.right) return [];
    // What reaches beyond the view is cut there, rounded so that scrolling does not redraw it at every pixel.
    const top = Math.max(view.top, bar.top);
    const bottom = Math.min(view.bottom, bar.bottom ?? layout.height);
    return [activation(bar, x, top, Math.max(bottom, top + 3), hues.of(bar.column.participant))];
  });
}

function activation(bar: Bar, x: number, top: number, bottom: number, hue: number): Mark {
  const open = bar.bottom === null ? "open" : "";
  return {
    key: `${bar.column.participant.id} ${bar.top} ${bar.level}`,
    signature: `${x} ${top} ${bottom} ${hue} ${open}`,
    make: () =>
      svg("rect", {
        class: `bar hue-${hue} ${open}`,
        x: x - BAR / 2,
        y: top,
        width: BAR,
        height: bottom - top,
        rx: 2,
        "data-lifecycle": bar.lifecycle,
      }),
  };
}
