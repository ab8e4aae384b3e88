// Messages: an arrow from lifeline to lifeline with its label above it, or a loop at one lifeline.

import type { ArrowEnd, MessageRow } from "../../layout/shape.ts";
import * as size from "../../layout/sizes.ts";
import { truncateMiddle } from "../../layout/truncate.ts";
import { svg } from "../svg.ts";
import { arrowEnd, lifelineEnd } from "./arrow_end.ts";
import { centerInView } from "./center_in_view.ts";
import type { Mark, Scene } from "./mark.ts";
import { offscreenHint } from "./offscreen_hint.ts";

export function message(row: MessageRow, scene: Scene): Mark {
  return row.from.column === row.to.column ? selfMessage(row, scene) : arrow(row, scene);
}

function arrow(row: MessageRow, scene: Scene): Mark {
  const { layout, view, measure } = scene;
  const { step, line } = row;
  const toRight = row.to.column.slot > row.from.column.slot;
  const start = edgeOf(row.from, layout.spacing.x(row.from.column.slot), toRight);
  const head = row.creates ? row.to.column.head.width / 2 : 0;
  const end = edgeOf(row.to, layout.spacing.x(row.to.column.slot), !toRight) + (toRight ? -head : head);
  const left = Math.min(start, end);
  const right = Math.max(start, end);
  if (right < view.left || left > view.right) return offscreenHint(row, describe(row), left, scene);
  const label = truncateMiddle(step.label, size.LABEL_MAX, measure);
  const half = measure(label, "label") / 2 + size.EDGE;
  const preferred = centerInView(left, right, 2 * half + size.LABEL_MARGIN, view.left, view.right);
  const center = Math.round(Math.max(half, Math.min(layout.spacing.width - half, preferred)));
  return {
    key: step.id,
    signature: `${start} ${end} ${line} ${center} ${step.label} ${step.outcome} ${step.arrow} ${row.destroys}`,
    make: () => {
      const group = messageGroup(row, left, right - left);
      group.append(
        svg("path", { class: lineClass(step.arrow), d: `M${start},${line}H${end}` }),
        arrowEnd(step, end, line, toRight ? 1 : -1),
        svg("text", { class: "tn-label", x: center, y: line - size.LABEL_RISE, "text-anchor": "middle" }, label),
      );
      if (row.destroys) group.append(lifelineEnd(layout.spacing.x(row.from.column.slot), line, step.outcome));
      return group;
    },
  };
}

function selfMessage(row: MessageRow, scene: Scene): Mark {
  const { layout, view, measure } = scene;
  const { step, line } = row;
  const x = edgeOf(row.from, layout.spacing.x(row.from.column.slot), true);
  const label = truncateMiddle(step.label, size.LABEL_MAX, measure);
  const r = size.SELF_RADIUS;
  const width = size.SELF + measure(label, "label") + 2 * r;
  if (x + width < view.left || x > view.right) return offscreenHint(row, describe(row), x, scene);
  const top = line - size.SELF_RISE;
  return {
    key: step.id,
    signature: `${x} ${line} ${step.label} ${step.outcome} ${step.arrow}`,
    make: () => {
      const group = messageGroup(row, x, width);
      const loop = `M${x},${top}h${size.SELF - 2 * r}a${r},${r} 0 0 1 0,${2 * r}H${x}`;
      const labelAt = { x: x + size.SELF + size.SELF_LABEL_GAP, y: top + size.SELF_LABEL_DROP };
      group.append(
        svg("path", { class: lineClass(step.arrow), d: loop }),
        arrowEnd(step, x, top + 2 * r, -1),
        svg("text", { class: "tn-label", ...labelAt }, label),
      );
      return group;
    },
  };
}

/** "main to Lock stock: __aenter__()" */
function describe({ step, from, to }: MessageRow): string {
  const sender = from.column.participant.label;
  return from.column === to.column
    ? `${sender}: ${step.label}`
    : `${sender} to ${to.column.participant.label}: ${step.label}`;
}

function messageGroup(row: MessageRow, x: number, width: number): SVGGElement {
  const { step, line } = row;
  return svg(
    "g",
    {
      class: `tn-step tn-message ${step.outcome === null ? "" : `tn-${step.outcome}`}`,
      role: "listitem",
      tabindex: -1,
      "aria-label": describe(row),
      "data-id": step.id,
      "data-lifecycle": step.lifecycle,
    },
    svg("title", {}, step.label),
    svg("rect", { class: "tn-hit", x, y: line - size.HIT_RISE, width, height: size.HIT_HEIGHT }),
  );
}

/** The x at which an arrow leaves or reaches a lifeline on its right or left side. */
function edgeOf({ level, highest }: ArrowEnd, x: number, onRight: boolean): number {
  if (highest < 0) return x;
  const activation = level ?? (onRight ? highest : 0);
  return x + activation * size.LEVEL + (onRight ? size.ACTIVATION / 2 : -size.ACTIVATION / 2);
}

function lineClass(arrow: string): string {
  return arrow.startsWith("--") ? "tn-arrow-line tn-dashed" : "tn-arrow-line";
}
