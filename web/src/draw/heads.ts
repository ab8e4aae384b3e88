// The heads that stay in sight at the top while the diagram scrolls under them.

import type { Column } from "../layout/shape.ts";
import { HEAD } from "../layout/sizes.ts";
import { glyph, headClass } from "./marks/head.ts";
import type { Scene } from "./marks/mark.ts";

interface Standing {
  readonly button: HTMLButtonElement;
  signature: string;
}

export class Heads {
  readonly element = document.createElement("div");
  readonly #standing = new Map<string, Standing>();

  constructor() {
    this.element.className = "heads";
  }

  /** Shows who stands on each column at the height `top`. */
  show(scene: Scene, top: number): void {
    const { left, right } = scene.view;
    const wanted = new Map<string, Column>();
    for (const column of scene.layout.columns) {
      const x = scene.layout.spacing.x(column.slot);
      if (x + column.headWidth < left || x - column.headWidth > right || !isAt(column, top)) continue;
      wanted.set(column.participant.id, column);
    }
    for (const [id, { button }] of this.#standing) {
      if (wanted.has(id)) continue;
      button.remove();
      this.#standing.delete(id);
    }
    for (const column of wanted.values()) this.#place(column, scene);
  }

  #place(column: Column, scene: Scene): void {
    const { participant, headWidth } = column;
    const x = Math.round(scene.layout.spacing.x(column.slot) - headWidth / 2);
    const signature = `${x} ${headWidth} ${participant.label} ${participant.stereotype}`;
    let standing = this.#standing.get(participant.id);
    if (standing?.signature === signature) return;
    if (!standing) {
      standing = { button: document.createElement("button"), signature };
      this.element.append(standing.button);
      this.#standing.set(participant.id, standing);
    }
    standing.signature = signature;
    fill(standing.button, column, scene);
    standing.button.style.left = `${x}px`;
    standing.button.style.width = `${headWidth}px`;
  }
}

function fill(button: HTMLButtonElement, column: Column, scene: Scene): void {
  const { participant } = column;
  const label = document.createElement("span");
  label.textContent = participant.label;
  button.type = "button";
  button.className = headClass(column, scene);
  button.title = participant.label;
  button.dataset.participant = participant.id;
  const shape = glyph(participant.stereotype);
  button.replaceChildren(...(shape ? [shape, label] : [label]));
}

/** Whether the head belongs at the top edge: its own place has gone by, and its lifeline has not ended. */
function isAt(column: Column, top: number): boolean {
  const begun = column.created ? column.top - HEAD / 2 <= top : true;
  return begun && (column.bottom === null || column.bottom > top);
}
