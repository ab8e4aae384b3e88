// Fragments: a frame around the rows of a loop or a par, its label in a tab, and the way to open a fold.

import { cut } from "../../layout/cut.ts";
import type { Frame } from "../../layout/shape.ts";
import { FRAME, INSET } from "../../layout/sizes.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

const LABEL_MAX = 560;

/** The frames themselves, behind all else. */
export function frames(scene: Scene): Mark[] {
  return inView(scene).map((frame) => {
    const { x, width, top, bottom } = extent(frame, scene);
    return {
      key: frame.step.id,
      signature: `${x} ${width} ${top} ${bottom}`,
      make: () => svg("rect", { class: "frame", x, y: top, width, height: bottom - top, rx: 3 }),
    };
  });
}

/** Their tabs, labels and openers, before all else. */
export function tabs(scene: Scene): Mark[] {
  return inView(scene).map((frame) => tab(frame, scene));
}

function inView({ layout, view }: Scene): Frame[] {
  return layout.frames.filter(
    (frame) => frame.top <= view.bottom && (frame.bottom ?? layout.height) >= view.top && frame.right >= 0,
  );
}

function tab(frame: Frame, scene: Scene): Mark {
  const { fragment, label, fold, id } = frame.step;
  const { x, top, text, tabWidth, textWidth } = extent(frame, scene);
  return {
    key: id,
    signature: `${x} ${top} ${label} ${fold}`,
    make: () => {
      const group = svg(
        "g",
        { class: `tabs ${fragment}`, role: "group", "aria-label": `${fragment} ${label}` },
        svg("path", { class: "tab", d: `M${x},${top}h${tabWidth}v14l-6,6h${6 - tabWidth}z` }),
        svg("text", { class: "kind", x: x + 9, y: top + 14 }, fragment),
        svg("text", { class: "label", x: x + tabWidth + 10, y: top + 15 }, text, svg("title", {}, label)),
      );
      if (fold !== null) group.append(opener(fold, `${fragment} ${label}`, x + tabWidth + textWidth + 22, top + 3));
      return group;
    },
  };
}

/** Where a frame stands: around what is in it, and wide enough for what is said of it. */
function extent(frame: Frame, { layout, measure }: Scene) {
  const { fragment, label, fold } = frame.step;
  const pad = FRAME + frame.inset * INSET;
  const x = Math.max(1, layout.spacing.x(frame.left) - pad);
  const text = cut(label, LABEL_MAX, measure);
  const tabWidth = measure(fragment, "head") + 20;
  const textWidth = measure(text, "label");
  const least = tabWidth + textWidth + (fold === null ? 24 : 80);
  const width = Math.max(layout.spacing.x(frame.right) + pad - x, least);
  return { x, width, top: frame.top, bottom: frame.bottom ?? layout.height, text, tabWidth, textWidth };
}

function opener(fold: string, label: string, x: number, y: number): SVGElement {
  return svg(
    "g",
    { class: "opener", role: "button", tabindex: 0, "data-fold": fold, "aria-label": `Unfold ${label}` },
    svg("rect", { x, y, width: 46, height: 17, rx: 8.5 }),
    svg("text", { x: x + 23, y: y + 12.5, "text-anchor": "middle" }, "unfold"),
  );
}
