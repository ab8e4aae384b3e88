// What a layout is made of. Heights are CSS pixels from the diagram's top; across, things stand on columns, and only
// `Spacing` knows where those are: a column that becomes wider moves no row.

import type { Begin, Message, Note, Outcome, Participant } from "../schema/messages.ts";

export interface Line {
  readonly text: string;
  readonly role: "kind" | "head";
}

/** A participant's name and kind, as they stand in its box. */
export interface Head {
  readonly lines: readonly Line[];
  readonly width: number;
}

/** A participant with its lifeline, on a slot that a later task may have when this one has ended. */
export interface Column {
  readonly participant: Participant;
  readonly slot: number;
  readonly top: number; // where the lifeline begins
  readonly created: boolean; // its head stands in place, at `top`; else at the top of all
  readonly head: Head;
  bottom: number | null; // where the lifeline ended
  ended: Outcome | null;
  readonly open: Bar[];
}

/** An activation. Several of one column are stacked: `level` counts from 0. */
export interface Bar {
  readonly column: Column;
  readonly level: number;
  readonly top: number;
  readonly lifecycle: string | null;
  bottom: number | null; // null: open, it goes on to the bottom edge
}

/** Where a message's arrow begins or ends: at a lifeline, or at the edge of an activation. */
export interface End {
  readonly column: Column;
  readonly level: number | null; // of the message's own activation
  readonly highest: number; // of all that were open there; -1: none
}

interface RowBase {
  readonly place: number; // of the step in the model
  readonly top: number;
  readonly height: number;
}

export interface MessageRow extends RowBase {
  readonly kind: "message";
  readonly step: Message;
  readonly line: number; // height of the arrow
  readonly from: End;
  readonly to: End;
  readonly creates: boolean;
  readonly destroys: boolean;
}

export interface NoteRow extends RowBase {
  readonly kind: "note";
  readonly step: Note;
  readonly first: Column; // the leftmost that it is over
  readonly last: Column; // the rightmost
  readonly anchor: Column; // beside which it stands: the one whose activation it tells of, else the task
}

export type Row = MessageRow | NoteRow;

/** What is still open is told of below the end, under its column. */
export interface Tag {
  readonly place: number;
  readonly step: Note;
  readonly column: Column; // the one whose activation it tells of, else that of the task
}

/** A fragment, from the leftmost to the rightmost slot that its steps touch. */
export interface Frame {
  readonly step: Begin;
  readonly place: number;
  readonly top: number;
  bottom: number | null; // null: its end has not come yet
  left: number; // slot; Infinity while nothing stands in it
  right: number; // slot
  inset: number; // how many fragments are nested in it
}

/** The width of a text in a role, in CSS pixels. */
export type Measure = (text: string, role: "label" | "head" | "kind" | "tag") => number;
