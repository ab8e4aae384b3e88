import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { HEAD_BAND, HEAD_HEIGHT, TAG_HEIGHT, TEXT } from "../src/layout/sizes.ts";

const SOURCE = resolve(import.meta.dirname, "../src");
const read = (file: string) => readFileSync(resolve(SOURCE, file), "utf8");
const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
const styles = files
  .filter((file) => file.endsWith(".css"))
  .map((file) => ({ file, text: read(file).replace(/\/\*.*?\*\//gs, "") }));
const scripts = files.filter((file) => /\.tsx?$/.test(file)).map(read);
const classes = new Set(
  styles.flatMap(({ text }) => [...text.matchAll(/\.([a-zA-Z][\w-]*)(?=[^{}]*\{)/g)].map((match) => match[1] ?? "")),
);

describe("the styles", () => {
  /** One prefix makes a class easy to find, and no other page's style matches it. */
  test("have class names that begin with tn-", () => {
    expect(classes.size).toBeGreaterThan(60);
    expect([...classes].filter((name) => !name.startsWith("tn-"))).toEqual([]);
  });

  /** A rule that no element matches is deleted. `tn-${...}` in the source stands for outcomes, states, kinds and hues. */
  test("have no class that the source does not use", () => {
    const composed = new Set(
      ["ok", "error", "cancelled", "wait", "behind", "retrying", "refusing"].map((n) => `tn-${n}`),
    );
    for (const name of ["live", "gone", "refused", "resource", "waiters"]) composed.add(`tn-${name}`);
    const isUsed = (name: string) => scripts.some((text) => new RegExp(`\\b${name}(?![\\w-])`).test(text));
    const unused = [...classes].filter((name) => !composed.has(name) && !/^tn-hue-\d$/.test(name) && !isUsed(name));
    expect(unused).toEqual(["tn-ground"]); // the snapshots' background
  });

  /** Space comes from the tokens: a page with one scale looks even. */
  test("take space, radii and font sizes from tokens.css", () => {
    const property = /^\s*(?:padding|margin|gap|row-gap|column-gap|border-radius|font|font-size)[a-z-]*:.*\dpx.*$/gm;
    const literal = styles
      .filter(({ file }) => !file.endsWith("tokens.css"))
      .flatMap(({ file, text }) => [...text.matchAll(property)].map(([line]) => `${file}: ${line.trim()}`));
    expect(literal).toEqual([]);
  });

  /** The layout measures and stacks what the styles show, so both know the same sizes. */
  test.each<[string, number]>([
    ["head-band", HEAD_BAND],
    ["head", HEAD_HEIGHT],
    ["tag", TAG_HEIGHT],
    ...Object.entries(TEXT).map(([role, size]): [string, number] => [`text-${role}`, size]),
  ])("have the layout's --%s", (name, size) => {
    expect(read("styles/tokens.css")).toContain(`--${name}: ${size}px;`);
  });

  /** A colour without a pair would be wrong in one of both schemes. */
  test("have each colour for light and for dark", () => {
    const lines = styles.flatMap(({ file, text }) => text.split("\n").map((line) => `${file}: ${line.trim()}`));
    const colours = lines.filter((line) => /#[0-9a-f]{3,8}\b/i.test(line));
    expect(colours.filter((line) => !/light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\)/.test(line))).toEqual([]);
    expect(colours.length).toBeGreaterThan(20);
  });
});
