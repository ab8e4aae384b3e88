// Notes. The time in a note about something still open ticks.

import { leadThatFits, noteWidth } from "../../layout/note_width.ts";
import type { Measure, NoteRow } from "../../layout/shape.ts";
import * as size from "../../layout/sizes.ts";
import { truncateMiddle } from "../../layout/truncate.ts";
import { formatTicking } from "../../model/durations.ts";
import type { Note } from "../../schema/messages.ts";
import { svg } from "../svg.ts";
import type { Mark, Scene, Viewport } from "./mark.ts";
import { offscreenHint } from "./offscreen_hint.ts";

export function note(row: NoteRow, scene: Scene): Mark {
  const { layout, view, measure } = scene;
  const { step } = row;
  const left = layout.spacing.x(row.first.slot);
  const right = layout.spacing.x(row.last.slot);
  const width = noteWidth(step, measure);
  const center = centerOf(row, left, right, width, view);
  const x = Math.max(size.EDGE, Math.min(layout.spacing.width - size.EDGE - width, center - width / 2));
  if (Math.max(x + width, right) < view.left || Math.min(x, left) > view.right) {
    return offscreenHint(row, `${row.anchor.participant.label}: ${step.lead ?? step.text}`, left, scene);
  }
  const text = truncateMiddle(step.text, size.NOTE_MAX - size.NOTE_PADDING, measure);
  const y = row.top + (size.NOTE_ROW - size.NOTE_HEIGHT) / 2;
  const textAt = { x: x + width / 2, y: y + size.NOTE_BASELINE, "text-anchor": "middle" };
  return {
    key: step.id,
    signature: `${x} ${y} ${left} ${right} ${width} ${step.text} ${step.kind} ${step.outcome} ${step.since_ns}`,
    make: () => {
      const middle = y + size.NOTE_HEIGHT / 2;
      const group = svg("g", {
        class: `tn-step tn-note tn-${step.kind} ${step.outcome === null ? "" : `tn-${step.outcome}`}`,
        role: "listitem",
        tabindex: -1,
        "aria-label": step.text,
        "data-id": step.id,
        "data-lifecycle": step.lifecycle,
      });
      if (right > left) group.append(svg("path", { class: "tn-reach", d: `M${left},${middle}H${right}` }));
      for (const end of [left, right]) {
        if (end > x - size.ANCHOR_CLEARANCE && end < x + width + size.ANCHOR_CLEARANCE) continue;
        group.append(svg("circle", { class: "tn-anchor", cx: end, cy: middle, r: size.ANCHOR }));
      }
      group.append(
        svg("rect", { class: "tn-box", x, y, width, height: size.NOTE_HEIGHT, rx: size.NOTE_RADIUS }),
        svg("text", { ...tickingData(step, measure), ...textAt }, text),
        svg("title", {}, step.text),
      );
      return group;
    },
  };
}

/** The x of the note's middle: close to its anchor, but in view while any part of its reach is in view. */
function centerOf(row: NoteRow, left: number, right: number, width: number, view: Viewport): number {
  const least = left + width / 2 + size.NOTE_GAP;
  const most = right - width / 2 - size.NOTE_GAP;
  if (least > most) return (left + right) / 2;
  const preferred = row.anchor === row.first ? least : most;
  const inView = Math.min(view.right - width / 2, Math.max(view.left + width / 2, preferred));
  return Math.min(most, Math.max(least, inView));
}

/** The text of a ticking note: its lead and the time since. */
export function noteText(lead: string, separator: string, sinceNs: number, nowNs: number): string {
  return `${lead}${separator}${formatTicking(Math.max(0, nowNs - sinceNs))}`;
}

/** Updates the times of the ticking notes in view. */
export function tick(drawing: SVGElement, nowNs: number): void {
  for (const text of drawing.querySelectorAll<SVGTextElement>("text[data-since]")) {
    const { lead = "", separator = ", ", since } = text.dataset;
    text.textContent = noteText(lead, separator, Number(since), nowNs);
  }
}

function tickingData({ lead, since_ns, text }: Note, measure: Measure): Record<string, string | number | null> {
  if (lead === null || since_ns === null) return {};
  const separator = /^[,:]? ?/.exec(text.startsWith(lead) ? text.slice(lead.length) : "")?.[0] || ", ";
  return { "data-lead": leadThatFits(lead, measure), "data-separator": separator, "data-since": since_ns };
}
