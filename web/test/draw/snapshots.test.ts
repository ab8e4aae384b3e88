import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { DIAGRAMS, MARKS, OFFSCREEN_VIEW } from "./scenes.ts";
import { snapshotOf } from "./snapshot.ts";

const FOLDER = resolve(import.meta.dirname, "snapshots");

/** Each mark looks as in its file. `npm run snapshots` writes the files again: look at them before you commit them. */
test.each(Object.entries(MARKS))("the mark %s", async (name, steps) => {
  const options = name === "offscreen_hint" ? { view: OFFSCREEN_VIEW } : {};
  await expect(snapshotOf(steps, options)).toMatchFileSnapshot(`${FOLDER}/mark_${name}.svg`);
});

/** Each whole diagram looks as in its file. */
test.each(Object.entries(DIAGRAMS))("the diagram %s", async (name, steps) => {
  await expect(snapshotOf(steps)).toMatchFileSnapshot(`${FOLDER}/diagram_${name}.svg`);
});

/** There is a snapshot for each file in src/draw/marks that draws, and no file without a scene. */
test("every mark has a snapshot", () => {
  const HELPERS = ["arrow_end.ts", "center_in_view.ts", "mark.ts"]; // drawn as a part of others, or drawing nothing
  const drawn = readdirSync(resolve(import.meta.dirname, "../../src/draw/marks")).filter((f) => !HELPERS.includes(f));
  const scenes = Object.keys(MARKS);
  expect(drawn.filter((file) => !scenes.includes(file.replace(".ts", "")))).toEqual([]);
  const expected = [
    ...scenes.map((name) => `mark_${name}.svg`),
    ...Object.keys(DIAGRAMS).map((n) => `diagram_${n}.svg`),
  ];
  expect(readdirSync(FOLDER).sort()).toEqual(expected.sort());
});
