// The band at the bottom edge: under each column small tags with what is open there now, and for how long.
//
// The band grows at once. It shrinks only after it has needed fewer rows for a while, so that the diagram stands still.

import { pack } from "../layout/pack.ts";
import { TAG_BAND_PADDING, TAG_GAP, TAG_ROW, TAG_TOP, TAG_VISIBLE } from "../layout/sizes.ts";
import type { Scene } from "./marks/mark.ts";
import { isWaiting, type TagBox, tagBoxes } from "./open_tags.ts";

const SHRINK_AFTER_MS = 4000;

export class OpenBand {
  readonly element = document.createElement("div");
  readonly #tags = document.createElement("div");
  readonly #offscreen = { left: offscreenButton(), right: offscreenButton() };
  readonly #rendered = new Map<string, HTMLButtonElement>();
  #rowById = new Map<string, number>();
  #rows = 0;
  #fewerSince: number | null = null;

  constructor() {
    this.element.className = "tn-open-band";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Open now");
    this.#tags.className = "tn-open-tags";
    const corner = document.createElement("div");
    corner.className = "tn-corner";
    corner.textContent = "open";
    this.#tags.append(this.#offscreen.left, this.#offscreen.right);
    this.element.append(corner, this.#tags);
  }

  get height(): number {
    return this.#rows === 0 ? 0 : this.#rows * TAG_ROW + TAG_BAND_PADDING;
  }

  /** Forgets the rows of the previous diagram. */
  clear(): void {
    this.#rows = 0;
    this.#rowById.clear();
  }

  /** Shows what is open in a scene as of `nowNs`; true when the band's height changed. */
  show(scene: Scene, nowNs: number): boolean {
    const boxes = tagBoxes(scene, nowNs);
    this.#rowById = pack(boxes, this.#rowById);
    const before = this.#rows;
    this.#resize(boxes.reduce((most, { id }) => Math.max(most, (this.#rowById.get(id) ?? 0) + 1), 0));
    this.#removeAllBut(new Set(boxes.map(({ id }) => id)));
    for (const box of boxes) this.#render(box, scene);
    this.#showOffscreen(boxes, scene);
    this.element.hidden = this.#rows === 0;
    this.element.style.height = `${this.height}px`;
    this.element.style.width = `calc(var(--gutter) + ${scene.layout.spacing.width}px)`;
    return this.#rows !== before;
  }

  /** At each edge a button counts the tags that are offscreen there, and scrolls to them. */
  #showOffscreen(boxes: readonly TagBox[], { view, layout }: Scene): void {
    const { left, right } = this.#offscreen;
    const leftBoxes = boxes.filter((box) => box.right < view.left + TAG_VISIBLE);
    const rightBoxes = boxes.filter((box) => box.left > view.right - TAG_VISIBLE);
    const scrollTo = (x: number) => () => this.element.parentElement?.scrollTo({ left: x });
    const firstLeft = Math.min(...leftBoxes.map((box) => box.left)) - 2 * TAG_VISIBLE;
    const lastRight = Math.max(...rightBoxes.map((box) => box.right)) - (view.right - view.left);
    showCount(left, leftBoxes, (n) => `‹ ${n} open`, scrollTo(firstLeft));
    showCount(right, rightBoxes, (n) => `${n} open ›`, scrollTo(lastRight));
    left.style.left = `${view.left}px`;
    right.style.right = `${layout.spacing.width - view.right}px`;
  }

  #resize(needed: number): void {
    const now = performance.now();
    if (needed >= this.#rows) this.#fewerSince = null;
    else this.#fewerSince ??= now;
    if (needed > this.#rows || (this.#fewerSince !== null && now - this.#fewerSince > SHRINK_AFTER_MS)) {
      this.#rows = needed;
      this.#fewerSince = null;
    }
  }

  #removeAllBut(wanted: ReadonlySet<string>): void {
    for (const [id, button] of this.#rendered) {
      if (wanted.has(id)) continue;
      button.remove();
      this.#rendered.delete(id);
    }
  }

  #render({ id, left, right, text, tags }: TagBox, { hues }: Scene): void {
    let button = this.#rendered.get(id);
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      this.#tags.append(button);
      this.#rendered.set(id, button);
    }
    const [tag] = tags;
    if (!tag) return;
    const notes = tags.map(({ step }) => step.text).join("\n");
    const { participant } = tag.column;
    const hue = participant.role === "resource" ? `tn-hue-${hues.of(participant)}` : "";
    button.className = `tn-open-tag ${isWaiting(tag) ? "tn-waiting" : ""} ${hue}`;
    if (tags.length > 1) button.dataset.participant = participant.id;
    else {
      button.dataset.id = tag.step.id;
      button.dataset.lifecycle = tag.step.lifecycle ?? "";
    }
    if (button.textContent !== text) button.textContent = text;
    button.title = notes;
    button.setAttribute("aria-label", `${participant.label}: ${notes}`);
    button.style.left = `${Math.round(left)}px`;
    button.style.width = `${Math.round(right - left - TAG_GAP)}px`;
    button.style.top = `${TAG_TOP + (this.#rowById.get(id) ?? 0) * TAG_ROW}px`;
  }
}

function offscreenButton(): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tn-offscreen-tags";
  button.hidden = true;
  return button;
}

function showCount(
  button: HTMLButtonElement,
  boxes: readonly TagBox[],
  label: (n: number) => string,
  scroll: () => void,
): void {
  const n = boxes.reduce((sum, { tags }) => sum + tags.length, 0);
  button.hidden = n === 0;
  button.textContent = label(n);
  button.onclick = scroll;
}
