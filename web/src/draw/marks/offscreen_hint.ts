// A row that stands offscreen to the left or right has a hint at that edge of the view.

import type { Row } from "../../layout/shape.ts";
import { BASELINE, HINT_EDGE, HINT_MAX } from "../../layout/sizes.ts";
import { truncateMiddle } from "../../layout/truncate.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

/** `left`: the x at which the row begins. */
export function offscreenHint(row: Row, description: string, left: number, { view, measure }: Scene): Mark {
  const isRight = left > view.left;
  const x = isRight ? view.right - HINT_EDGE : view.left + HINT_EDGE;
  const y = row.kind === "message" ? row.line : row.top + row.height / 2 + BASELINE;
  const text = truncateMiddle(description, HINT_MAX, measure);
  return {
    key: row.step.id,
    isHint: true,
    signature: `hint ${x} ${y} ${description}`,
    make: () =>
      svg(
        "g",
        {
          class: "tn-step tn-offscreen-hint",
          role: "listitem",
          tabindex: -1,
          "aria-label": description,
          "data-id": row.step.id,
        },
        svg("title", {}, description),
        svg("text", { x, y, "text-anchor": isRight ? "end" : "start" }, isRight ? `${text} ›` : `‹ ${text}`),
      ),
  };
}
