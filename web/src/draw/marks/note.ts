// Notes. One that tells of something still going on counts its time on by itself.

import { cut } from "../../layout/cut.ts";
import { noteWidth } from "../../layout/notes.ts";
import type { NoteRow } from "../../layout/shape.ts";
import { EDGE, NOTE, NOTE_APART, NOTE_MAX, NOTE_PADDING, NOTE_ROW } from "../../layout/sizes.ts";
import { formatTicking } from "../../model/durations.ts";
import type { Note } from "../../schema/messages.ts";
import { svg } from "../svg.ts";
import { beyond } from "./beyond.ts";
import type { Mark, Scene, View } from "./mark.ts";

export function note(row: NoteRow, scene: Scene): Mark {
  const { layout, view, measure } = scene;
  const { step } = row;
  const left = layout.spacing.x(row.first.slot);
  const right = layout.spacing.x(row.last.slot);
  const wanted = noteWidth(step, measure);
  const centre = beside(row, left, right, wanted, view);
  const x = Math.max(EDGE, Math.min(layout.spacing.width - EDGE - wanted, centre - wanted / 2));
  if (Math.max(x + wanted, right) < view.left || Math.min(x, left) > view.right) {
    return beyond(row, `${row.anchor.participant.label}: ${step.lead ?? step.text}`, left, scene);
  }
  const text = cut(step.text, NOTE_MAX - NOTE_PADDING, measure);
  const y = row.top + (NOTE_ROW - NOTE) / 2;
  return {
    key: step.id,
    signature: `${x} ${y} ${left} ${right} ${wanted} ${step.text} ${step.kind} ${step.outcome} ${step.since_ns}`,
    make: () => {
      const middle = y + NOTE / 2;
      const group = svg("g", {
        class: `step note ${step.kind} ${step.outcome ?? ""}`,
        role: "listitem",
        tabindex: -1,
        "aria-label": step.text,
        "data-id": step.id,
        "data-lifecycle": step.lifecycle,
      });
      if (right > left) group.append(svg("path", { class: "reach", d: `M${left},${middle}H${right}` }));
      for (const end of [left, right]) {
        if (end > x - 2 && end < x + wanted + 2) continue;
        group.append(svg("circle", { class: "anchor", cx: end, cy: middle, r: 3 }));
      }
      group.append(
        svg("rect", { class: "box", x, y, width: wanted, height: NOTE, rx: 4 }),
        svg("text", { ...ticking(step), x: x + wanted / 2, y: y + 16, "text-anchor": "middle" }, text),
        svg("title", {}, step.text),
      );
      return group;
    },
  };
}

/** Where the note's middle is: close to its anchor, but in view while any of its reach is. */
function beside(row: NoteRow, left: number, right: number, width: number, view: View): number {
  const least = left + width / 2 + NOTE_APART;
  const most = right - width / 2 - NOTE_APART;
  if (least > most) return (left + right) / 2;
  const wished = row.anchor === row.first ? least : most;
  return Math.min(most, Math.max(least, Math.min(view.right - width / 2, Math.max(view.left + width / 2, wished))));
}

/** The text of a note at a moment: its own, or what it leads with and the time since. */
export function noteText(lead: string, separator: string, sinceNs: number, nowNs: number): string {
  return `${lead}${separator}${formatTicking(Math.max(0, nowNs - sinceNs))}`;
}

/** Counts on the times of the notes in view. */
export function tick(picture: SVGElement, nowNs: number): void {
  for (const text of picture.querySelectorAll<SVGTextElement>("text[data-since]")) {
    const { lead = "", separator = ", ", since } = text.dataset;
    text.textContent = noteText(lead, separator, Number(since), nowNs);
  }
}

function ticking({ lead, since_ns, text }: Note): Record<string, string | number | null> {
  if (lead === null || since_ns === null) return {};
  const separator = /^[,:]? ?/.exec(text.startsWith(lead) ? text.slice(lead.length) : "")?.[0] || ", ";
  return { "data-lead": lead, "data-separator": separator, "data-since": since_ns };
}

/** The middle of what is in view of a stretch, so that `width` around it stays on the stretch where it can. */
export function between(left: number, right: number, width: number, viewLeft: number, viewRight: number): number {
  const middle = (Math.max(left, viewLeft) + Math.min(right, viewRight)) / 2;
  const most = right - width / 2;
  const least = left + width / 2;
  return least > most ? (left + right) / 2 : Math.min(most, Math.max(least, middle));
}
