// What stands at the end of an arrow, and at the end of a lifeline.

import {
  ARROWHEAD,
  ARROWHEAD_HALF,
  BARRED,
  CROSS,
  END_BARRED,
  END_CROSS,
  END_MARK,
  FOOT_HEIGHT,
  FOOT_WIDTH,
} from "../../layout/sizes.ts";
import type { Message, Outcome } from "../../schema/messages.ts";
import { svg } from "../svg.ts";

/** ">>" is filled, ")" is open, "x" is a cross, or a barred circle after a cancellation. `direction` 1: rightwards. */
export function arrowEnd(
  { arrow, outcome }: Pick<Message, "arrow" | "outcome">,
  x: number,
  y: number,
  direction: 1 | -1,
): SVGElement {
  if (arrow.endsWith("x")) {
    const middle = x - direction * END_MARK;
    return outcome === "cancelled" ? barredCircle(middle, y, BARRED) : cross(middle, y, CROSS);
  }
  const back = x - direction * ARROWHEAD;
  const d = `M${back},${y - ARROWHEAD_HALF}L${x},${y}L${back},${y + ARROWHEAD_HALF}`;
  return svg(
    "path",
    arrow.endsWith(")") ? { class: "tn-arrow-end tn-hollow", d } : { class: "tn-arrow-end", d: `${d}z` },
  );
}

/** A foot; a cross if the task failed, a barred circle if it was cancelled. */
export function lifelineEnd(x: number, y: number, outcome: Outcome | null): SVGElement {
  if (outcome === "error") return cross(x, y, END_CROSS);
  if (outcome === "cancelled") return barredCircle(x, y, END_BARRED);
  const foot = { x: x - FOOT_WIDTH / 2, y: y - FOOT_HEIGHT / 2, width: FOOT_WIDTH, height: FOOT_HEIGHT };
  return svg("rect", { class: "tn-foot", ...foot, rx: FOOT_HEIGHT / 2 });
}

function cross(x: number, y: number, r: number): SVGElement {
  return svg("path", {
    class: "tn-arrow-end tn-hollow tn-cross",
    d: `M${x - r},${y - r}L${x + r},${y + r}M${x - r},${y + r}L${x + r},${y - r}`,
  });
}

function barredCircle(x: number, y: number, r: number): SVGElement {
  const d = r * 0.7; // about cos 45°
  return svg("path", {
    class: "tn-arrow-end tn-barred",
    d: `M${x - r},${y}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0M${x - d},${y + d}L${x + d},${y - d}`,
  });
}
