// A scene as one SVG file that a person can open: the dashboard's own styles are inside, for light and for dark.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { vi } from "vitest";
import { LAYERS } from "../../src/draw/layers.ts";
import { headMark } from "../../src/draw/marks/head.ts";
import type { Scene } from "../../src/draw/marks/mark.ts";
import { svg } from "../../src/draw/svg.ts";
import { Layout } from "../../src/layout/layout.ts";
import type { Measure } from "../../src/layout/shape.ts";
import { HEAD_BAND } from "../../src/layout/sizes.ts";
import { Hues } from "../../src/model/hues.ts";
import type { Step } from "../../src/schema/messages.ts";
import { serialize, svgDocument } from "./svg_document.ts";

const STYLES = ["tokens.css", "marks.css"].map((name) =>
  readFileSync(resolve(import.meta.dirname, "../../src/styles", name), "utf8"),
);

// About the widths of a browser's sans-serif font, in CSS pixels for each character.
const WIDTHS = { label: 6.3, head: 6.5, kind: 5.4, tag: 6.2 };
const measure: Measure = (text, role) => WIDTHS[role] * [...text].length;

interface Options {
  /** The part in view, from left to right; what is outside of it gets a hint. Default: everything. */
  readonly view?: [left: number, right: number];
}

export function snapshotOf(steps: readonly Step[], { view }: Options = {}): string {
  vi.stubGlobal("document", svgDocument);
  try {
    const layout = new Layout(measure);
    layout.update(steps, 0);
    const [left, right] = view ?? [0, layout.spacing.width];
    const scene = { layout, measure, hues: new Hues(), view: { left, right, top: 0, bottom: layout.height } };
    return fileOf(scene, [topHeads(scene), ...layersOf(scene)]);
  } finally {
    vi.unstubAllGlobals();
  }
}

function layersOf(scene: Scene): SVGElement[] {
  return Object.entries(LAYERS).flatMap(([name, marksOf]) => {
    const elements = marksOf(scene).map((mark) => mark.make());
    return elements.length === 0 ? [] : [svg("g", { class: `tn-${name}` }, ...elements)];
  });
}

/** In the dashboard these are buttons that stay at the top edge. */
function topHeads(scene: Scene): SVGElement {
  const declared = scene.layout.columns.filter((column) => !column.created);
  const marks = declared.map((column) => headMark(column, scene.layout.spacing.x(column.slot), -HEAD_BAND / 2, scene));
  return svg("g", { class: "tn-heads" }, ...marks.map((mark) => mark.make()));
}

function fileOf({ view }: Scene, layers: readonly SVGElement[]): string {
  const box = { x: view.left, y: -HEAD_BAND, width: view.right - view.left, height: view.bottom + HEAD_BAND };
  const drawing = svg(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      class: "tn-drawing",
      viewBox: `${box.x} ${box.y} ${box.width} ${box.height}`,
      width: box.width,
      height: box.height,
    },
    svg("style", {}, `\n${STYLES.join("\n").trimEnd()}\n  `),
    svg("rect", { class: "tn-ground", ...box }),
    ...layers,
  );
  return `${serialize(drawing)}\n`;
}
