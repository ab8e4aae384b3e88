// Activations: bars on a lifeline, from acquire to release.

import type { Activation } from "../../layout/shape.ts";
import { ACTIVATION, ACTIVATION_MIN, ACTIVATION_RADIUS, LEVEL } from "../../layout/sizes.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

export function activations({ layout, view, hues }: Scene): Mark[] {
  return layout.activations.flatMap((activation) => {
    if (activation.top > view.bottom || (activation.bottom ?? Number.POSITIVE_INFINITY) < view.top) return [];
    const x = layout.spacing.x(activation.column.slot) + activation.level * LEVEL;
    if (x + ACTIVATION < view.left || x - ACTIVATION > view.right) return [];
    const top = Math.max(view.top, activation.top);
    const bottom = Math.min(view.bottom, activation.bottom ?? layout.height);
    return [bar(activation, x, top, Math.max(bottom, top + ACTIVATION_MIN), hues.of(activation.column.participant))];
  });
}

function bar(activation: Activation, x: number, top: number, bottom: number, hue: number): Mark {
  const { column, level, lifecycle } = activation;
  const open = activation.bottom === null ? "tn-open" : "";
  return {
    key: `${column.participant.id} ${activation.top} ${level}`,
    signature: `${x} ${top} ${bottom} ${hue} ${open}`,
    make: () =>
      svg("rect", {
        class: `tn-activation tn-hue-${hue} ${open}`,
        x: x - ACTIVATION / 2,
        y: top,
        width: ACTIVATION,
        height: bottom - top,
        rx: ACTIVATION_RADIUS,
        "data-lifecycle": lifecycle,
      }),
  };
}
