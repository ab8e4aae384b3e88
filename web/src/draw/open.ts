// The band at the bottom edge: under each column what is open there now, by small tags that count the time on.
//
// It grows at once and shrinks only when fewer rows have been enough for a while, so that the diagram above stands still.

import { type Box, pack } from "../layout/pack.ts";
import type { Tag } from "../layout/shape.ts";
import { formatBrief } from "../model/durations.ts";
import type { Scene } from "./marks/mark.ts";

const ROW = 21;
const PADDING = 14; // of a tag's text, both sides
const APART = 4;
const MOST = 3; // tags of a column; where there are more, the last one counts them
const KEPT_MS = 4000;
const HALF = 20; // px of a tag that are to be in view

interface Shown extends Box {
  readonly text: string;
  readonly tags: readonly Tag[]; // one, or those that are counted together
}

export class OpenBand {
  readonly element = document.createElement("div");
  readonly #tags = document.createElement("div");
  readonly #beyond = { left: beyond(), right: beyond() };
  readonly #standing = new Map<string, HTMLButtonElement>();
  #places = new Map<string, number>();
  #rows = 0;
  #fewerSince: number | null = null;

  constructor() {
    this.element.className = "open-band";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Open now");
    this.#tags.className = "open-tags";
    const corner = document.createElement("div");
    corner.className = "corner";
    corner.textContent = "open";
    this.#tags.append(this.#beyond.left, this.#beyond.right);
    this.element.append(corner, this.#tags);
  }

  get height(): number {
    return this.#rows === 0 ? 0 : this.#rows * ROW + 8;
  }

  /** Another diagram: what it needs is all that it gets. */
  clear(): void {
    this.#rows = 0;
    this.#places.clear();
  }

  /** Shows what is open in a scene as of `nowNs`; true when the band's height changed. */
  show(scene: Scene, nowNs: number): boolean {
    const boxes = shownOf(scene, nowNs);
    this.#places = pack(boxes, this.#places);
    const before = this.#rows;
    this.#settle(boxes.reduce((most, { id }) => Math.max(most, (this.#places.get(id) ?? 0) + 1), 0));
    this.#remove(new Set(boxes.map(({ id }) => id)));
    for (const box of boxes) this.#place(box, scene);
    this.#hint(boxes, scene);
    this.element.hidden = this.#rows === 0;
    this.element.style.height = `${this.height}px`;
    this.element.style.width = `calc(var(--gutter) + ${scene.layout.spacing.width}px)`;
    return this.#rows !== before;
  }

  /** Says at the edges how many tags stand behind them, and goes there. */
  #hint(boxes: readonly Shown[], { view, layout }: Scene): void {
    const { left, right } = this.#beyond;
    const before = boxes.filter((box) => box.right < view.left + HALF);
    const behind = boxes.filter((box) => box.left > view.right - HALF);
    const go = (to: number) => () => this.element.parentElement?.scrollTo({ left: to });
    tell(left, before, (n) => `‹ ${n} open`, go(Math.min(...before.map((box) => box.left)) - 2 * HALF));
    tell(
      right,
      behind,
      (n) => `${n} open ›`,
      go(Math.max(...behind.map((box) => box.right)) - (view.right - view.left)),
    );
    left.style.left = `${view.left}px`;
    right.style.right = `${layout.spacing.width - view.right}px`;
  }

  #settle(needed: number): void {
    const now = performance.now();
    if (needed >= this.#rows) this.#fewerSince = null;
    else this.#fewerSince ??= now;
    if (needed > this.#rows || (this.#fewerSince !== null && now - this.#fewerSince > KEPT_MS)) {
      this.#rows = needed;
      this.#fewerSince = null;
    }
  }

  #remove(wanted: ReadonlySet<string>): void {
    for (const [id, button] of this.#standing) {
      if (wanted.has(id)) continue;
      button.remove();
      this.#standing.delete(id);
    }
  }

  #place({ id, left, right, text, tags }: Shown, { hues }: Scene): void {
    let button = this.#standing.get(id);
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      this.#tags.append(button);
      this.#standing.set(id, button);
    }
    const [tag] = tags;
    if (!tag) return;
    const said = tags.map(({ step }) => step.text).join("\n");
    const { participant } = tag.column;
    const hue = participant.role === "resource" ? `hue-${hues.of(participant)}` : "";
    button.className = `tag ${isWaiting(tag) ? "waits" : ""} ${hue}`;
    if (tags.length > 1) button.dataset.participant = participant.id;
    else {
      button.dataset.id = tag.step.id;
      button.dataset.lifecycle = tag.step.lifecycle ?? "";
    }
    if (button.textContent !== text) button.textContent = text;
    button.title = said;
    button.setAttribute("aria-label", `${participant.label}: ${said}`);
    button.style.left = `${Math.round(left)}px`;
    button.style.width = `${Math.round(right - left - APART)}px`;
    button.style.top = `${4 + (this.#places.get(id) ?? 0) * ROW}px`;
  }
}

function beyond(): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tags-beyond";
  button.hidden = true;
  return button;
}

function tell(button: HTMLButtonElement, boxes: readonly Shown[], words: (n: number) => string, go: () => void): void {
  const n = boxes.reduce((sum, { tags }) => sum + tags.length, 0);
  button.hidden = n === 0;
  button.textContent = words(n);
  button.onclick = go;
}

function shownOf(scene: Scene, nowNs: number): Shown[] {
  const byColumn = new Map<Tag["column"], Tag[]>();
  for (const tag of scene.layout.tags) {
    const tags = byColumn.get(tag.column);
    if (tags) tags.push(tag);
    else byColumn.set(tag.column, [tag]);
  }
  return [...byColumn.values()].flatMap((tags) => {
    tags.sort((a, b) => (a.step.since_ns ?? 0) - (b.step.since_ns ?? 0));
    const alone = tags.length > MOST ? tags.slice(0, MOST - 1) : tags;
    const others = tags.slice(alone.length);
    const shown = alone.map((tag) => boxOf(tag.step.id, tagText(tag.step, nowNs), [tag], scene));
    if (others[0])
      shown.push(boxOf(`more ${others[0].column.participant.id}`, `+${others.length} more`, others, scene));
    return shown;
  });
}

function boxOf(id: string, text: string, tags: readonly Tag[], scene: Scene): Shown {
  const x = tags[0] ? scene.layout.spacing.x(tags[0].column.slot) : 0;
  const width = scene.measure(text.replace(/\d/g, "0"), "tag") + PADDING + APART;
  const left = Math.max(1, Math.min(scene.layout.spacing.width - width, x - width / 2));
  return { id, text, tags, left, right: left + width };
}

function isWaiting({ step }: Tag): boolean {
  return (step.lead ?? step.text).startsWith("still waiting");
}

/** "held 4 s", "waiting 2 min": what the note says at length; "held" for less than a second. */
export function tagText({ lead, text, since_ns }: Tag["step"], nowNs: number): string {
  const word = /^still (\w+)/.exec(lead ?? text)?.[1] ?? lead ?? text;
  const passed = since_ns === null ? 0 : nowNs - since_ns;
  return passed < 1e9 ? word : `${word} ${formatBrief(passed)}`;
}
