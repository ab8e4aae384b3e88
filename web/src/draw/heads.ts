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
      if (x + column.head.width < left || x - column.head.width > right || !isAt(column, top)) continue;
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
    const { participant, head } = column;
    const x = Math.round(scene.layout.spacing.x(column.slot) - head.width / 2);
    const signature = `${x} ${head.width} ${participant.label} ${participant.stereotype}`;
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
    standing.button.style.width = `${head.width}px`;
  }
}

function fill(button: HTMLButtonElement, column: Column, scene: Scene): void {
  const { participant, head } = column;
  const lines = head.lines.map(({ text, role }, i) => {
    const line = document.createElement("span");
    line.className = role === "kind" ? "line kind" : "line";
    const words = document.createElement("bdi");
    words.textContent = text;
    const shape = i === 0 ? glyph(participant.stereotype) : null;
    line.append(...(shape ? [shape, words] : [words]));
    return line;
  });
  button.type = "button";
  button.className = headClass(column, scene);
  button.title = participant.label;
  button.dataset.participant = participant.id;
  button.setAttribute("aria-label", participant.label);
  button.replaceChildren(...lines);
}

/** Whether the head belongs at the top edge: its own place has gone by, and its lifeline has not ended. */
function isAt(column: Column, top: number): boolean {
  const begun = column.created ? column.top - HEAD / 2 <= top : true;
  return begun && (column.bottom === null || column.bottom > top);
}
