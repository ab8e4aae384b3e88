// What stands beyond the left or the right edge of the view is told of at that edge, where the row would be empty.

import { cut } from "../../layout/cut.ts";
import type { Row } from "../../layout/shape.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene } from "./mark.ts";

const WIDEST = 260;
const EDGE = 12; // px from the edge

/** A hint at the edge behind which the row stands: `left` and `right` are where it begins and ends. */
export function beyond(row: Row, words: string, left: number, { view, measure }: Scene): Mark {
  const isRight = left > view.left;
  const x = isRight ? view.right - EDGE : view.left + EDGE;
  const y = row.kind === "message" ? row.line : row.top + row.height / 2 + 4;
  const text = cut(words, WIDEST, measure);
  return {
    key: row.step.id,
    isHint: true,
    signature: `beyond ${x} ${y} ${words}`,
    make: () =>
      svg(
        "g",
        { class: "step beyond", role: "listitem", tabindex: -1, "aria-label": words, "data-id": row.step.id },
        svg("title", {}, words),
        svg("text", { x, y, "text-anchor": isRight ? "end" : "start" }, isRight ? `${text} ›` : `‹ ${text}`),
      ),
  };
}
