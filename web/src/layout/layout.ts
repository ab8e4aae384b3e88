// From steps to places: rows, lifelines, activations and fragments.
//
// The layout goes through the steps once, in order, and its state after every so many of them is kept. A change at a
// place costs what stands behind it (and at most CHECKPOINT steps more): appending costs the same at any length.

import type { Activate, Begin, Deactivate, Message, Note, Participant, Step } from "../schema/messages.ts";
import { headOf } from "./head.ts";
import { noteWidth } from "./notes.ts";
import type { Bar, Column, End, Frame, Measure, MessageRow, Row, Tag } from "./shape.ts";
import * as size from "./sizes.ts";
import { Slots, type SlotsState } from "./slots.ts";
import { Spacing } from "./spacing.ts";

const CHECKPOINT = 128;

interface State {
  readonly y: number;
  readonly line: number;
  readonly creating: Participant | null;
  readonly destroying: string | null;
}

interface Checkpoint {
  readonly place: number;
  readonly state: State;
  readonly counts: { rows: number; tags: number; bars: number; frames: number; columns: number };
  readonly alive: readonly Column[];
  readonly bars: readonly Bar[];
  readonly frames: readonly { frame: Frame; left: number; right: number; inset: number }[];
  readonly slots: SlotsState;
}

export class Layout {
  readonly rows: Row[] = [];
  readonly tags: Tag[] = [];
  readonly bars: Bar[] = [];
  readonly frames: Frame[] = [];
  readonly columns: Column[] = [];
  readonly spacing = new Spacing();

  readonly #measure: Measure;
  readonly #slots = new Slots();
  readonly #columnOf = new Map<string, Column>();
  readonly #checkpoints: Checkpoint[] = [];
  #alive = new Set<Column>();
  #openFrames: Frame[] = [];
  #y = 0;
  #line = 0; // height of the last message's line, where activations begin and end
  #creating: Participant | null = null;
  #destroying: string | null = null;
  #done = 0;

  constructor(measure: Measure) {
    this.#measure = measure;
  }

  /** The height of the whole. */
  get height(): number {
    return this.#y + size.TAIL;
  }

  /** Lays out the steps, of which those before `from` are as they were the last time. */
  update(steps: readonly Step[], from: number): void {
    if (from < this.#done) this.#rewind(from);
    for (let place = this.#done; place < steps.length; place++) {
      if (place % CHECKPOINT === 0 && this.#checkpoints.at(-1)?.place !== place) this.#save(place);
      const step = steps[place];
      if (step) this.#place(step, place);
      this.#done = place + 1;
    }
  }

  #place(step: Step, place: number): void {
    switch (step.step) {
      case "declare":
        this.#declare(step.participant);
        break;
      case "create":
        this.#creating = step.participant;
        break;
      case "destroy":
        this.#destroying = step.participant;
        break;
      case "message":
        this.#message(step, place);
        break;
      case "note":
        this.#note(step, place);
        break;
      case "activate":
        this.#open(this.#column(step.participant), step.lifecycle, this.#line);
        break;
      case "deactivate":
        this.#close(step);
        break;
      case "begin":
        this.#begin(step, place);
        break;
      case "end":
        this.#end();
        break;
    }
  }

  #declare(participant: Participant): Column {
    return this.#stand(participant, this.#slots.next(), 0, false);
  }

  #stand(participant: Participant, slot: number, top: number, created: boolean): Column {
    const head = headOf(participant, this.#measure);
    const column: Column = { participant, slot, top, created, head, bottom: null, ended: null, open: [] };
    this.spacing.head(slot, head.width);
    this.columns.push(column);
    this.#columnOf.set(participant.id, column);
    this.#alive.add(column);
    return column;
  }

  /** A participant that no step declared stands from its first use on, under its id. */
  #column(id: string): Column {
    const unknown: Participant = { id, role: "task", stereotype: "participant", label: id, ref: "" };
    return this.#columnOf.get(id) ?? this.#declare(unknown);
  }

  #message(step: Message, place: number): void {
    const from = this.#column(step.from);
    const creates = this.#creating !== null && this.#creating.id === step.to;
    const destroys = this.#destroying === step.from;
    const isSelf = step.from === step.to;
    const height = creates ? size.CREATE_ROW : destroys ? size.DESTROY_ROW : isSelf ? size.SELF_ROW : size.ROW;
    const top = this.#y;
    const line = top + (creates ? height / 2 + 4 : size.LINE);
    if (creates && this.#creating) this.#stand(this.#creating, this.#slots.rightOf(from.slot), line, true);
    const to = this.#column(step.to);
    this.#creating = null;
    this.#line = line;
    this.#y += height;
    if (step.activate) this.#open(to, step.lifecycle, line);
    const ends = { from: this.#endAt(from, step), to: this.#endAt(to, step) };
    const row: MessageRow = { kind: "message", place, step, top, height, line, ...ends, creates, destroys };
    this.rows.push(row);
    this.#reserve(row);
    if (step.deactivate) this.#close({ participant: step.from, lifecycle: step.lifecycle });
    if (destroys) this.#finish(from, step);
    this.#touch(from.slot, to.slot);
  }

  #endAt(column: Column, step: Message): End {
    const own = step.lifecycle === null ? undefined : column.open.find((bar) => bar.lifecycle === step.lifecycle);
    const highest = column.open.reduce((most, bar) => Math.max(most, bar.level), -1);
    return { column, level: own?.level ?? null, highest };
  }

  /** Asks for the room that the message's label needs. */
  #reserve({ step, from, to, creates }: MessageRow): void {
    const width = Math.min(this.#measure(step.label, "label"), size.LABEL_MAX);
    if (from.column === to.column) this.spacing.overhang(from.column.slot, size.SELF + width);
    else {
      const box = creates ? to.column.head.width / 2 : 0;
      this.spacing.need(from.column.slot, to.column.slot, width + size.LABEL_PADDING + box);
      this.spacing.least(width + 2 * size.EDGE);
    }
  }

  #finish(column: Column, step: Message): void {
    column.bottom = this.#line;
    column.ended = step.outcome;
    for (const bar of column.open.splice(0)) bar.bottom = this.#line;
    this.#destroying = null;
    this.#alive.delete(column);
    this.#slots.release(column.slot);
  }

  #note(step: Note, place: number): void {
    const over = step.over.map((id) => this.#column(id)).sort((a, b) => a.slot - b.slot);
    const first = over[0];
    const last = over.at(-1);
    if (!first || !last) return;
    const tellsOf = (column: Column) => column.open.some((bar) => bar.lifecycle === step.lifecycle);
    const isTask = (column: Column) => column.participant.role === "task";
    const anchor = (step.lifecycle !== null && over.find(tellsOf)) || over.find(isTask) || first;
    if (step.kind === "open") {
      this.tags.push({ place, step, column: anchor });
      return;
    }
    this.rows.push({ kind: "note", place, step, top: this.#y, height: size.NOTE_ROW, first, last, anchor });
    this.spacing.least(noteWidth(step, this.#measure) + 2 * size.EDGE);
    this.#y += size.NOTE_ROW;
    this.#touch(first.slot, last.slot);
  }

  #open(column: Column, lifecycle: string | null, top: number): void {
    let level = 0;
    while (level < size.LEVELS - 1 && column.open.some((bar) => bar.level === level)) level++;
    const bar: Bar = { column, level, top, lifecycle, bottom: null };
    this.bars.push(bar);
    column.open.push(bar);
    this.spacing.level(column.slot, level);
  }

  /** Ends the lifecycle's own activation; where none is known by that name, the one opened last. */
  #close({ participant, lifecycle }: Pick<Activate | Deactivate, "participant" | "lifecycle">): void {
    const open = this.#column(participant).open;
    const own = lifecycle === null ? -1 : open.findIndex((bar) => bar.lifecycle === lifecycle);
    const [bar] = open.splice(own >= 0 ? own : open.length - 1, 1);
    if (bar) bar.bottom = this.#line;
  }

  #begin(step: Begin, place: number): void {
    const frame: Frame = {
      step,
      place,
      top: this.#y + 6,
      bottom: null,
      left: Number.POSITIVE_INFINITY,
      right: -1,
      inset: 0,
    };
    this.frames.push(frame);
    this.#openFrames.push(frame);
    this.#y += size.BEGIN_ROW;
  }

  #end(): void {
    const frame = this.#openFrames.pop();
    this.#y += size.END_ROW;
    if (!frame) return;
    frame.bottom = this.#y - 4;
    if (frame.right < 0) return;
    const outer = this.#openFrames.at(-1);
    if (outer) outer.inset = Math.max(outer.inset, frame.inset + 1);
    this.#touch(frame.left, frame.right);
    this.spacing.overhang(frame.left, size.TAB + this.#measure(frame.step.label, "label") + 90);
  }

  /** Widens the innermost open fragment. */
  #touch(one: number, other: number): void {
    const frame = this.#openFrames.at(-1);
    if (!frame) return;
    frame.left = Math.min(frame.left, one, other);
    frame.right = Math.max(frame.right, one, other);
  }

  #save(place: number): void {
    this.#checkpoints.push({
      place,
      state: { y: this.#y, line: this.#line, creating: this.#creating, destroying: this.#destroying },
      counts: {
        rows: this.rows.length,
        tags: this.tags.length,
        bars: this.bars.length,
        frames: this.frames.length,
        columns: this.columns.length,
      },
      alive: [...this.#alive],
      bars: [...this.#alive].flatMap((column) => column.open),
      frames: this.#openFrames.map((frame) => ({ ...frame, frame })),
      slots: this.#slots.save(),
    });
  }

  /** Goes back to the last state kept at or before a place. */
  #rewind(place: number): void {
    while ((this.#checkpoints.at(-1)?.place ?? 0) > place) this.#checkpoints.pop();
    const point = this.#checkpoints.at(-1);
    if (!point) return;
    for (const column of this.columns.splice(point.counts.columns)) this.#columnOf.delete(column.participant.id);
    this.rows.length = point.counts.rows;
    this.tags.length = point.counts.tags;
    this.bars.length = point.counts.bars;
    this.frames.length = point.counts.frames;
    for (const column of point.alive) {
      column.bottom = null;
      column.ended = null;
      column.open.length = 0;
    }
    for (const bar of point.bars) {
      bar.bottom = null;
      bar.column.open.push(bar);
    }
    this.#openFrames = point.frames.map(({ frame, left, right, inset }) =>
      Object.assign(frame, { left, right, inset, bottom: null }),
    );
    this.#alive = new Set(point.alive);
    this.#slots.restore(point.slots);
    this.#y = point.state.y;
    this.#line = point.state.line;
    this.#creating = point.state.creating;
    this.#destroying = point.state.destroying;
    this.#done = point.place;
    if (point.place === 0) this.spacing.clear();
  }
}
