import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SOURCE = resolve(import.meta.dirname, "../src");

// The rooms that each room may import from: data flows from schema to app, imports go the other way.
const MAY_IMPORT: Record<string, string[]> = {
  schema: [],
  model: ["schema"],
  layout: ["model", "schema"],
  draw: ["layout", "model", "schema"],
  app: ["draw", "layout", "model", "schema"],
};

/** No room imports from a room above it. A breach is named with its file and line. */
test("rooms import in one direction", () => {
  const breaches: string[] = [];
  for (const room of Object.keys(MAY_IMPORT)) {
    for (const file of readdirSync(join(SOURCE, room), { recursive: true, encoding: "utf8" })) {
      if (!/\.tsx?$/.test(file)) continue;
      const path = join(SOURCE, room, file);
      readFileSync(path, "utf8")
        .split("\n")
        .forEach((line, i) => {
          const target = /(?:from|import)\s*\(?"(\.[^"]+)"/.exec(line)?.[1];
          if (target === undefined) return;
          const other = relative(SOURCE, resolve(dirname(path), target)).split("/")[0] ?? "";
          if (other !== room && !MAY_IMPORT[room]?.includes(other)) {
            breaches.push(`${relative(SOURCE, path)}:${i + 1} imports ${other}`);
          }
        });
    }
  }
  expect(breaches).toEqual([]);
});

/** Names from programs are data: no source file makes markup from a string. */
test("no markup is made from text", () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
  const breaches = files.filter((file) =>
    /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write/.test(
      readFileSync(join(SOURCE, file), "utf8"),
    ),
  );
  expect(files.length).toBeGreaterThan(20);
  expect(breaches).toEqual([]);
});
