// The heads that stay at the top edge while the diagram scrolls under them.

import type { Column } from "../layout/shape.ts";
import { HEAD_HEIGHT } from "../layout/sizes.ts";
import { glyph, headClass } from "./marks/head.ts";
import type { Scene } from "./marks/mark.ts";

interface Rendered {
  readonly button: HTMLButtonElement;
  signature: string;
}

export class Heads {
  readonly element = document.createElement("div");
  readonly #rendered = new Map<string, Rendered>();

  constructor() {
    this.element.className = "tn-heads";
  }

  /** Shows the participants whose lifelines pass the height `top`. */
  show(scene: Scene, top: number): void {
    const { left, right } = scene.view;
    const wanted = new Map<string, Column>();
    for (const column of scene.layout.columns) {
      const x = scene.layout.spacing.x(column.slot);
      if (x + column.head.width < left || x - column.head.width > right || !passes(column, top)) continue;
      wanted.set(column.participant.id, column);
    }
    for (const [id, { button }] of this.#rendered) {
      if (wanted.has(id)) continue;
      button.remove();
      this.#rendered.delete(id);
    }
    for (const column of wanted.values()) this.#render(column, scene);
  }

  #render(column: Column, scene: Scene): void {
    const { participant, head } = column;
    const x = Math.round(scene.layout.spacing.x(column.slot) - head.width / 2);
    const signature = `${x} ${head.width} ${participant.label} ${participant.stereotype} ${participant.ended}`;
    let rendered = this.#rendered.get(participant.id);
    if (rendered?.signature === signature) return;
    if (!rendered) {
      rendered = { button: document.createElement("button"), signature };
      this.element.append(rendered.button);
      this.#rendered.set(participant.id, rendered);
    }
    rendered.signature = signature;
    fill(rendered.button, column, scene);
    rendered.button.style.left = `${x}px`;
    rendered.button.style.width = `${head.width}px`;
  }
}

function fill(button: HTMLButtonElement, column: Column, scene: Scene): void {
  const { participant, head } = column;
  const lines = head.lines.map(({ text, role }, i) => {
    const line = document.createElement("span");
    line.className = role === "kind" ? "tn-head-line tn-kind" : "tn-head-line";
    const words = document.createElement("bdi");
    words.textContent = text;
    const shape = i === 0 ? glyph(participant.stereotype) : null;
    line.append(...(shape ? [shape, words] : [words]));
    return line;
  });
  button.type = "button";
  button.className = headClass(column, scene);
  button.title = participant.ended ? `${participant.label}, ended` : participant.label;
  button.dataset.participant = participant.id;
  button.setAttribute("aria-label", participant.label);
  button.replaceChildren(...lines);
}

/** Whether the lifeline has begun above the height and has not ended there. */
function passes(column: Column, top: number): boolean {
  const hasBegun = !column.created || column.top - HEAD_HEIGHT / 2 <= top;
  return hasBegun && (column.bottom === null || column.bottom > top);
}
