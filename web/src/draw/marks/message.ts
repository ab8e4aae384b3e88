// Messages: an arrow from lifeline to lifeline, its label above it, and how a task ends.

import { cut } from "../../layout/cut.ts";
import type { End, MessageRow } from "../../layout/shape.ts";
import { BAR, EDGE, LABEL_MAX, LEVEL, SELF } from "../../layout/sizes.ts";
import type { Outcome } from "../../schema/messages.ts";
import { svg } from "../svg.ts";
import { beyond } from "./beyond.ts";
import type { Mark, Scene } from "./mark.ts";
import { between } from "./note.ts";

const TIP = 8;

export function message(row: MessageRow, scene: Scene): Mark {
  return row.from.column === row.to.column ? selfMessage(row, scene) : arrow(row, scene);
}

function arrow(row: MessageRow, scene: Scene): Mark {
  const { layout, view, measure } = scene;
  const { step, line } = row;
  const toRight = row.to.column.slot > row.from.column.slot;
  const start = edge(row.from, layout.spacing.x(row.from.column.slot), toRight);
  const box = row.creates ? row.to.column.head.width / 2 : 0;
  const end = edge(row.to, layout.spacing.x(row.to.column.slot), !toRight) + (toRight ? -box : box);
  const left = Math.min(start, end);
  const right = Math.max(start, end);
  if (right < view.left || left > view.right) return beyond(row, spoken(row), left, scene);
  const label = cut(step.label, LABEL_MAX, measure);
  const half = measure(label, "label") / 2 + EDGE;
  const wished = between(left, right, 2 * half + 10, view.left, view.right);
  const centre = Math.round(Math.max(half, Math.min(layout.spacing.width - half, wished)));
  return {
    key: step.id,
    signature: `${start} ${end} ${line} ${centre} ${step.label} ${step.outcome} ${step.arrow} ${row.destroys}`,
    make: () => {
      const group = frame(row, left, right - left);
      group.append(
        svg("path", { class: `line ${isDashed(step.arrow) ? "dashed" : ""}`, d: `M${start},${line}H${end}` }),
        tip(step.arrow, step.outcome, end, line, toRight ? 1 : -1),
        svg("text", { class: "label", x: centre, y: line - 7, "text-anchor": "middle" }, label),
      );
      if (row.destroys) group.append(...ending(layout.spacing.x(row.from.column.slot), line, step.outcome));
      return group;
    },
  };
}

function selfMessage(row: MessageRow, scene: Scene): Mark {
  const { layout, view, measure } = scene;
  const { step, line } = row;
  const x = edge(row.from, layout.spacing.x(row.from.column.slot), true);
  const label = cut(step.label, LABEL_MAX, measure);
  const width = SELF + measure(label, "label") + 12;
  if (x + width < view.left || x > view.right) return beyond(row, spoken(row), x, scene);
  const top = line - 13;
  return {
    key: step.id,
    signature: `${x} ${line} ${step.label} ${step.outcome} ${step.arrow}`,
    make: () => {
      const group = frame(row, x, width);
      group.append(
        svg("path", {
          class: `line ${isDashed(step.arrow) ? "dashed" : ""}`,
          d: `M${x},${top}h${SELF - 12}a6,6 0 0 1 0,12H${x}`,
        }),
        tip(step.arrow, step.outcome, x, top + 12, -1),
        svg("text", { class: "label", x: x + SELF + 2, y: top + 10 }, label),
      );
      return group;
    },
  };
}

/** "main to Lock stock: __aenter__()" */
function spoken({ step, from, to }: MessageRow): string {
  const one = from.column.participant.label;
  return from.column === to.column
    ? `${one}: ${step.label}`
    : `${one} to ${to.column.participant.label}: ${step.label}`;
}

function frame(row: MessageRow, x: number, width: number): SVGGElement {
  const { step, line } = row;
  return svg(
    "g",
    {
      class: `step message ${step.outcome ?? ""}`,
      role: "listitem",
      tabindex: -1,
      "aria-label": spoken(row),
      "data-id": step.id,
      "data-lifecycle": step.lifecycle,
    },
    svg("title", {}, step.label),
    svg("rect", { class: "hit", x, y: line - 22, width, height: 30 }),
  );
}

/** The x at which an arrow leaves or reaches a lifeline on its right or left side. */
function edge({ level, highest }: End, x: number, onRight: boolean): number {
  if (highest < 0) return x;
  const at = level ?? (onRight ? highest : 0);
  return x + at * LEVEL + (onRight ? BAR / 2 : -BAR / 2);
}

function isDashed(arrow: string): boolean {
  return arrow.startsWith("--");
}

/** An arrow's end: ">>" filled, ")" open, "x" a cross; a cancellation has a mark of its own. */
function tip(arrow: string, outcome: Outcome | null, x: number, y: number, direction: 1 | -1): SVGElement {
  const back = x - direction * TIP;
  if (arrow.endsWith("x")) {
    const at = x - direction * 7;
    return outcome === "cancelled" ? barred(at, y, 4.5) : cross(at, y, 4);
  }
  const d = `M${back},${y - 4.5}L${x},${y}L${back},${y + 4.5}`;
  return svg("path", arrow.endsWith(")") ? { class: "tip hollow", d } : { class: "tip", d: `${d}z` });
}

/** Where a task's lifeline stops: a foot, a cross where it failed, a barred circle where it was cancelled. */
function ending(x: number, y: number, outcome: Outcome | null): SVGElement[] {
  if (outcome === "error") return [cross(x, y, 5)];
  if (outcome === "cancelled") return [barred(x, y, 5.5)];
  return [svg("rect", { class: "foot", x: x - 6, y: y - 2, width: 12, height: 4, rx: 2 })];
}

function cross(x: number, y: number, r: number): SVGElement {
  return svg("path", {
    class: "tip hollow cross",
    d: `M${x - r},${y - r}L${x + r},${y + r}M${x - r},${y + r}L${x + r},${y - r}`,
  });
}

function barred(x: number, y: number, r: number): SVGElement {
  const d = r * 0.7;
  return svg("path", {
    class: "tip barred",
    d: `M${x - r},${y}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0M${x - d},${y + d}L${x + d},${y - d}`,
  });
}
