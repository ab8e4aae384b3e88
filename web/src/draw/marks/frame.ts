// Fragments: a frame around the rows of a loop or a par, its label in a tab, and the way to open a fold.

import type { Frame } from "../../layout/shape.ts";
import { FRAME, INSET } from "../../layout/sizes.ts";
import { svg } from "../svg.ts";
import { cut } from "../text.ts";
import type { Mark, Scene } from "./mark.ts";

const LABEL_MAX = 560;

export function frames(scene: Scene): Mark[] {
  const { layout, view } = scene;
  return layout.frames.flatMap((frame) => {
    const bottom = frame.bottom ?? layout.height;
    if (frame.top > view.bottom || bottom < view.top || frame.right < 0) return [];
    return [fragment(frame, bottom, scene)];
  });
}

function fragment(frame: Frame, bottom: number, { layout, measure }: Scene): Mark {
  const { fragment: kind, label, fold, id } = frame.step;
  const pad = FRAME + frame.inset * INSET;
  const x = layout.spacing.x(frame.left) - pad;
  const text = cut(label, LABEL_MAX, measure);
  const tab = measure(kind, "head") + 20;
  const textWidth = measure(text, "label");
  const least = tab + textWidth + (fold === null ? 24 : 80);
  const width = Math.max(layout.spacing.x(frame.right) + pad - x, least);
  const top = frame.top;
  return {
    key: id,
    signature: `${x} ${width} ${top} ${bottom} ${label} ${fold}`,
    make: () => {
      const group = svg(
        "g",
        { class: `frame ${kind}`, role: "group", "aria-label": `${kind} ${label}` },
        svg("rect", { class: "edge", x, y: top, width, height: bottom - top, rx: 3 }),
        svg("path", { class: "tab", d: `M${x},${top}h${tab}v14l-6,6h${6 - tab}z` }),
        svg("text", { class: "kind", x: x + 9, y: top + 14 }, kind),
        svg("text", { class: "label", x: x + tab + 10, y: top + 15 }, text, svg("title", {}, label)),
      );
      if (fold !== null) group.append(opener(fold, `${kind} ${label}`, x + tab + textWidth + 22, top + 3));
      return group;
    },
  };
}

function opener(fold: string, label: string, x: number, y: number): SVGElement {
  return svg(
    "g",
    { class: "opener", role: "button", tabindex: 0, "data-fold": fold, "aria-label": `Unfold ${label}` },
    svg("rect", { x, y, width: 46, height: 17, rx: 8.5 }),
    svg("text", { x: x + 23, y: y + 12.5, "text-anchor": "middle" }, "unfold"),
  );
}
