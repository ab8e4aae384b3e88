// From steps to positions: rows, lifelines, activations and fragments.
//
// The layout goes through the steps once, in order, and keeps its state after every CHECKPOINT steps. A change at an
// index costs as much as the steps behind it, and at most CHECKPOINT steps more. Appending costs the same at any length.

import type { Activate, Begin, Deactivate, Message, Note, Participant, Step } from "../schema/messages.ts";
import { headOf } from "./head.ts";
import { noteWidth } from "./note_width.ts";
import type { Activation, ArrowEnd, Column, Fragment, Measure, MessageRow, OpenTag, Row } from "./shape.ts";
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
  readonly index: number;
  readonly state: State;
  readonly counts: { rows: number; tags: number; activations: number; fragments: number; columns: number };
  readonly livingColumns: readonly Column[];
  readonly openActivations: readonly Activation[];
  readonly openFragments: readonly { fragment: Fragment; left: number; right: number; inset: number }[];
  readonly slots: SlotsState;
}

export class Layout {
  readonly rows: Row[] = [];
  readonly tags: OpenTag[] = [];
  readonly activations: Activation[] = [];
  readonly fragments: Fragment[] = [];
  readonly columns: Column[] = [];
  readonly spacing = new Spacing();

  readonly #measure: Measure;
  readonly #slots = new Slots();
  readonly #columnById = new Map<string, Column>();
  readonly #checkpoints: Checkpoint[] = [];
  #livingColumns = new Set<Column>();
  #openFragments: Fragment[] = [];
  #y = 0;
  #line = 0; // height of the last message's line, where activations begin and end
  #creating: Participant | null = null;
  #destroying: string | null = null;
  #next = 0; // index of the first step that is not laid out

  constructor(measure: Measure) {
    this.#measure = measure;
  }

  /** The height of the diagram. */
  get height(): number {
    return this.#y + size.TAIL;
  }

  /** Lays out the steps. Those before `from` are unchanged since the last time. */
  update(steps: readonly Step[], from: number): void {
    if (from < this.#next) this.#rewind(from);
    for (let index = this.#next; index < steps.length; index++) {
      const step = steps[index];
      if (!step) continue;
      const last = this.#checkpoints.at(-1)?.index ?? -CHECKPOINT;
      if (index - last >= CHECKPOINT && step.step !== "activate") this.#save(index); // it changes the row before it
      this.#add(step, index);
      this.#next = index + 1;
    }
  }

  #add(step: Step, index: number): void {
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
        this.#addMessage(step, index);
        break;
      case "note":
        this.#addNote(step, index);
        break;
      case "activate":
        this.#activate(step);
        break;
      case "deactivate":
        this.#closeActivation(step);
        break;
      case "begin":
        this.#beginFragment(step, index);
        break;
      case "end":
        this.#endFragment();
        break;
    }
  }

  #declare(participant: Participant): Column {
    return this.#addColumn(participant, this.#slots.next(), 0, false);
  }

  #addColumn(participant: Participant, slot: number, top: number, created: boolean): Column {
    const head = headOf(participant, this.#measure);
    const column: Column = { participant, slot, top, created, head, bottom: null, outcome: null, open: [] };
    this.spacing.fitHead(slot, head.width);
    this.columns.push(column);
    this.#columnById.set(participant.id, column);
    this.#livingColumns.add(column);
    return column;
  }

  /** A participant that no step declared gets a column at its first use, labelled with its id. */
  #columnOf(id: string): Column {
    const undeclared: Participant = { id, role: "task", stereotype: "participant", label: id, ref: "", ended: false };
    return this.#columnById.get(id) ?? this.#declare(undeclared);
  }

  #addMessage(step: Message, index: number): void {
    const from = this.#columnOf(step.from);
    const creates = this.#creating !== null && this.#creating.id === step.to;
    const destroys = this.#destroying === step.from;
    const isSelf = step.from === step.to;
    const top = this.#y;
    const line = top + (creates ? size.CREATE_LINE : size.MESSAGE_LINE);
    const height = creates ? size.CREATE_ROW : destroys ? size.DESTROY_ROW : isSelf ? size.SELF_ROW : size.MESSAGE_ROW;
    if (creates && this.#creating) this.#addColumn(this.#creating, this.#slots.rightOf(from.slot), line, true);
    const to = this.#columnOf(step.to);
    this.#creating = null;
    this.#line = line;
    this.#y += height;
    if (step.activate) this.#openActivation(to, step.lifecycle, line);
    const ends = { from: endAt(from, step), to: endAt(to, step) };
    const row: MessageRow = { kind: "message", index, step, top, height, line, ...ends, creates, destroys };
    this.rows.push(row);
    this.#fitLabel(row);
    if (step.deactivate) this.#closeActivation({ participant: step.from, lifecycle: step.lifecycle });
    if (destroys) this.#endColumn(from, step);
    this.#widenFragment(from.slot, to.slot);
  }

  #fitLabel({ step, from, to, creates }: MessageRow): void {
    const width = Math.min(this.#measure(step.label, "label"), size.LABEL_MAX);
    if (from.column === to.column) this.spacing.fitOverhang(from.column.slot, size.SELF + width);
    else {
      const head = creates ? to.column.head.width / 2 : 0;
      this.spacing.fitLabel(from.column.slot, to.column.slot, width + size.LABEL_PADDING + head);
      this.spacing.fitWidth(width + 2 * size.EDGE);
    }
  }

  #endColumn(column: Column, step: Message): void {
    column.bottom = this.#line;
    column.outcome = step.outcome;
    for (const activation of column.open.splice(0)) activation.bottom = this.#line;
    this.#destroying = null;
    this.#livingColumns.delete(column);
    this.#slots.release(column.slot);
  }

  #addNote(step: Note, index: number): void {
    const over = step.over.map((id) => this.#columnOf(id)).sort((a, b) => a.slot - b.slot);
    const first = over[0];
    const last = over.at(-1);
    if (!first || !last) return;
    const hasActivation = (column: Column) => column.open.some(({ lifecycle }) => lifecycle === step.lifecycle);
    const isTask = (column: Column) => column.participant.role === "task";
    const anchor = (step.lifecycle !== null && over.find(hasActivation)) || over.find(isTask) || first;
    if (step.kind === "open") {
      this.tags.push({ index, step, column: anchor });
      return;
    }
    this.rows.push({ kind: "note", index, step, top: this.#y, height: size.NOTE_ROW, first, last, anchor });
    this.spacing.fitWidth(noteWidth(step, this.#measure) + 2 * size.EDGE);
    this.#y += size.NOTE_ROW;
    this.#widenFragment(first.slot, last.slot);
  }

  /** Begins an activation at the reply before it, which then starts at the edge of the activation. */
  #activate(step: Activate): void {
    const column = this.#columnOf(step.participant);
    this.#openActivation(column, step.lifecycle, this.#line);
    const reply = this.rows.at(-1);
    if (reply?.kind !== "message" || reply.from.column !== column || reply.step.lifecycle !== step.lifecycle) return;
    this.rows[this.rows.length - 1] = { ...reply, from: endAt(column, reply.step) };
  }

  #openActivation(column: Column, lifecycle: string | null, top: number): void {
    let level = 0;
    while (level < size.LEVELS - 1 && column.open.some((activation) => activation.level === level)) level++;
    const activation: Activation = { column, level, top, lifecycle, bottom: null };
    this.activations.push(activation);
    column.open.push(activation);
    this.spacing.fitLevel(column.slot, level);
  }

  /** Ends the activation of the lifecycle; if there is none, the one that was opened last. */
  #closeActivation({ participant, lifecycle }: Pick<Activate | Deactivate, "participant" | "lifecycle">): void {
    const { open } = this.#columnOf(participant);
    const index = lifecycle === null ? -1 : open.findIndex((activation) => activation.lifecycle === lifecycle);
    const [activation] = open.splice(index >= 0 ? index : open.length - 1, 1);
    if (activation) activation.bottom = this.#line;
  }

  #beginFragment(step: Begin, index: number): void {
    const top = this.#y + size.FRAGMENT_TOP;
    const fragment: Fragment = {
      step,
      index,
      top,
      bottom: null,
      left: Number.POSITIVE_INFINITY,
      right: -1,
      inset: 0,
    };
    this.fragments.push(fragment);
    this.#openFragments.push(fragment);
    this.#y += size.BEGIN_ROW;
  }

  #endFragment(): void {
    const fragment = this.#openFragments.pop();
    this.#y += size.END_ROW;
    if (!fragment) return;
    fragment.bottom = this.#y - size.FRAGMENT_BOTTOM;
    if (fragment.right < 0) return;
    const outer = this.#openFragments.at(-1);
    if (outer) outer.inset = Math.max(outer.inset, fragment.inset + 1);
    this.#widenFragment(fragment.left, fragment.right);
    this.spacing.fitOverhang(fragment.left, size.FRAGMENT_CAPTION + this.#measure(fragment.step.label, "label"));
  }

  /** Makes the innermost open fragment include the slots. */
  #widenFragment(...slots: number[]): void {
    const fragment = this.#openFragments.at(-1);
    if (!fragment) return;
    fragment.left = Math.min(fragment.left, ...slots);
    fragment.right = Math.max(fragment.right, ...slots);
  }

  #save(index: number): void {
    this.#checkpoints.push({
      index,
      state: { y: this.#y, line: this.#line, creating: this.#creating, destroying: this.#destroying },
      counts: {
        rows: this.rows.length,
        tags: this.tags.length,
        activations: this.activations.length,
        fragments: this.fragments.length,
        columns: this.columns.length,
      },
      livingColumns: [...this.#livingColumns],
      openActivations: [...this.#livingColumns].flatMap((column) => column.open),
      openFragments: this.#openFragments.map((fragment) => ({ ...fragment, fragment })),
      slots: this.#slots.save(),
    });
  }

  /** Returns to the last checkpoint before a step's index: one at the index may not suit the step that is now there. */
  #rewind(index: number): void {
    while (this.#checkpoints.length > 1 && (this.#checkpoints.at(-1)?.index ?? 0) >= index) this.#checkpoints.pop();
    const checkpoint = this.#checkpoints.at(-1);
    if (!checkpoint) return;
    const { counts, state } = checkpoint;
    for (const column of this.columns.splice(counts.columns)) this.#columnById.delete(column.participant.id);
    this.rows.length = counts.rows;
    this.tags.length = counts.tags;
    this.activations.length = counts.activations;
    this.fragments.length = counts.fragments;
    for (const column of checkpoint.livingColumns) {
      column.bottom = null;
      column.outcome = null;
      column.open.length = 0;
    }
    for (const activation of checkpoint.openActivations) {
      activation.bottom = null;
      activation.column.open.push(activation);
    }
    this.#openFragments = checkpoint.openFragments.map(({ fragment, left, right, inset }) =>
      Object.assign(fragment, { left, right, inset, bottom: null }),
    );
    this.#livingColumns = new Set(checkpoint.livingColumns);
    this.#slots.restore(checkpoint.slots);
    this.#y = state.y;
    this.#line = state.line;
    this.#creating = state.creating;
    this.#destroying = state.destroying;
    this.#next = checkpoint.index;
    if (checkpoint.index === 0) this.spacing.clear();
  }
}

function endAt(column: Column, { lifecycle }: Message): ArrowEnd {
  const activation = lifecycle === null ? undefined : column.open.find((open) => open.lifecycle === lifecycle);
  const highest = column.open.reduce((most, { level }) => Math.max(most, level), -1);
  return { column, level: activation?.level ?? null, highest };
}
