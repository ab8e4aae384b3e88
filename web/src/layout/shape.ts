// What a layout is made of. Heights are CSS pixels from the diagram's top. Horizontal positions are slots: only
// `Spacing` knows their x, so a column that becomes wider moves no row.

import type { Begin, Message, Note, Outcome, Participant } from "../schema/messages.ts";

export interface HeadLine {
  readonly text: string;
  readonly role: "kind" | "head";
}

/** A participant's name and kind, as they stand in its box. */
export interface Head {
  readonly lines: readonly HeadLine[];
  readonly width: number;
}

/** A participant with its lifeline. Its slot is free for a later task when this one has ended. */
export interface Column {
  readonly participant: Participant;
  readonly slot: number;
  readonly top: number; // where the lifeline begins
  readonly created: boolean; // its head stands at `top`; otherwise at the top of the diagram
  readonly head: Head;
  bottom: number | null; // where the lifeline ended
  outcome: Outcome | null; // how it ended
  readonly open: Activation[];
}

/** Several activations of one column are stacked: `level` counts from 0. */
export interface Activation {
  readonly column: Column;
  readonly level: number;
  readonly top: number;
  readonly lifecycle: string | null;
  bottom: number | null; // null: open, it reaches the bottom edge
}

/** Where a message's arrow begins or ends: at a lifeline, or at the edge of an activation. */
export interface ArrowEnd {
  readonly column: Column;
  readonly level: number | null; // of the message's own activation
  readonly highest: number; // level of the activations open there; -1: none
}

interface RowBase {
  readonly index: number; // of the step in the model
  readonly top: number;
  readonly height: number;
}

export interface MessageRow extends RowBase {
  readonly kind: "message";
  readonly step: Message;
  readonly line: number; // height of the arrow
  readonly from: ArrowEnd;
  readonly to: ArrowEnd;
  readonly creates: boolean;
  readonly destroys: boolean;
}

export interface NoteRow extends RowBase {
  readonly kind: "note";
  readonly step: Note;
  readonly first: Column; // the leftmost that it is over
  readonly last: Column; // the rightmost
  readonly anchor: Column; // beside which it stands: the column of its lifecycle's activation, otherwise the task's
}

export type Row = MessageRow | NoteRow;

/** An open lifecycle, shown below the end under its column. */
export interface OpenTag {
  readonly index: number;
  readonly step: Note;
  readonly column: Column; // of its lifecycle's activation, otherwise the task's
}

/** A loop or a par, from the leftmost to the rightmost slot that its steps use. */
export interface Fragment {
  readonly step: Begin;
  readonly index: number;
  readonly top: number;
  bottom: number | null; // null: its end step is still missing
  left: number; // slot; Infinity while it is empty
  right: number; // slot; -1 while it is empty
  inset: number; // how many fragments are nested in it
}

/** The width of a text in a role, in CSS pixels. */
export type Measure = (text: string, role: "label" | "head" | "kind" | "tag") => number;
