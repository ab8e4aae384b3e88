// Fragments: a frame around the rows of a loop or a par, its label in a tab, and the button that unfolds a fold.

import type { Fragment } from "../../layout/shape.ts";
import * as size from "../../layout/sizes.ts";
import { truncate } from "../../layout/truncate.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

/** The frames, behind everything else. */
export function fragmentFrames(scene: Scene): Mark[] {
  return fragmentsInView(scene).map((fragment) => {
    const { x, width, top, bottom } = extentOf(fragment, scene);
    const frame = { x, y: top, width, height: bottom - top, rx: size.FRAGMENT_RADIUS };
    return {
      key: fragment.step.id,
      signature: `${x} ${width} ${top} ${bottom}`,
      make: () => svg("rect", { class: "tn-fragment", ...frame }),
    };
  });
}

/** Their tabs, labels and unfold buttons, in front of everything else. */
export function fragmentLabels(scene: Scene): Mark[] {
  return fragmentsInView(scene).map((fragment) => fragmentLabel(fragment, scene));
}

function fragmentsInView({ layout, view }: Scene): Fragment[] {
  return layout.fragments.filter(
    ({ top, bottom, right }) => top <= view.bottom && (bottom ?? layout.height) >= view.top && right >= 0,
  );
}

function fragmentLabel(fragment: Fragment, scene: Scene): Mark {
  const { fragment: kind, label, fold, id } = fragment.step;
  const { x, top, text, tabWidth, textWidth } = extentOf(fragment, scene);
  const corner = size.TAB_CORNER;
  const tab = `M${x},${top}h${tabWidth}v${size.TAB_HEIGHT - corner}l${-corner},${corner}h${corner - tabWidth}z`;
  const textLeft = x + tabWidth + size.FRAGMENT_LABEL_GAP;
  return {
    key: id,
    signature: `${x} ${top} ${label} ${fold}`,
    make: () => {
      const group = svg(
        "g",
        { class: "tn-fragment-label", role: "group", "aria-label": `${kind} ${label}` },
        svg("path", { class: "tn-tab", d: tab }),
        svg("text", { class: "tn-kind", x: x + size.TAB_TEXT_LEFT, y: top + size.TAB_BASELINE }, kind),
        svg(
          "text",
          { class: "tn-label", x: textLeft, y: top + size.FRAGMENT_LABEL_BASELINE },
          text,
          svg("title", {}, label),
        ),
      );
      const buttonLeft = x + tabWidth + textWidth + size.UNFOLD_LEFT;
      if (fold !== null) group.append(unfoldButton(fold, `${kind} ${label}`, buttonLeft, top + size.UNFOLD_TOP));
      return group;
    },
  };
}

/** A frame stands around its content and is wide enough for its label. */
function extentOf(fragment: Fragment, { layout, measure }: Scene) {
  const { fragment: kind, label, fold } = fragment.step;
  const padding = size.FRAGMENT_PADDING + fragment.inset * size.FRAGMENT_INSET;
  const x = Math.max(size.FRAGMENT_EDGE, layout.spacing.x(fragment.left) - padding);
  const text = truncate(label, size.FRAGMENT_LABEL_MAX, measure);
  const tabWidth = measure(kind, "head") + size.TAB_PADDING;
  const textWidth = measure(text, "label");
  const least = tabWidth + textWidth + (fold === null ? size.FRAGMENT_END : size.UNFOLD_END);
  const width = Math.max(layout.spacing.x(fragment.right) + padding - x, least);
  return { x, width, top: fragment.top, bottom: fragment.bottom ?? layout.height, text, tabWidth, textWidth };
}

function unfoldButton(fold: string, label: string, x: number, y: number): SVGElement {
  const box = { x, y, width: size.UNFOLD_WIDTH, height: size.UNFOLD_HEIGHT, rx: size.UNFOLD_HEIGHT / 2 };
  const textAt = { x: x + size.UNFOLD_WIDTH / 2, y: y + size.UNFOLD_BASELINE, "text-anchor": "middle" };
  return svg(
    "g",
    { class: "tn-unfold", role: "button", tabindex: 0, "data-fold": fold, "aria-label": `Unfold ${label}` },
    svg("rect", box),
    svg("text", textAt, "unfold"),
  );
}
