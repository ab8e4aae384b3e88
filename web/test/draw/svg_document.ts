// The part of a browser's document that marks need: elements with attributes, children and text.

type Child = SvgElement | string;

class SvgElement {
  readonly name: string;
  readonly attributes = new Map<string, string>();
  readonly children: Child[] = [];

  constructor(name: string) {
    this.name = name;
  }

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  append(...children: Child[]): void {
    this.children.push(...children);
  }
}

/** Stands in for the global `document` of a browser. */
export const svgDocument = { createElementNS: (_namespace: string, name: string) => new SvgElement(name) };

/** The element as SVG text, one element a line, so that a difference is easy to read. */
export function serialize(element: SVGElement, indent = ""): string {
  const { name, attributes, children } = element as unknown as SvgElement;
  const written = [...attributes].map(([key, value]) => ` ${key}="${escapeText(normalize(value))}"`).join("");
  const inner = children.map((child) => (typeof child === "string" && name !== "style" ? escapeText(child) : child));
  if (inner.length === 0) return `${indent}<${name}${written}/>`;
  const isText = inner.every((child) => typeof child === "string");
  if (isText) return `${indent}<${name}${written}>${inner.join("")}</${name}>`;
  const lines = inner.map((child) =>
    typeof child === "string" ? `${indent}  ${child}` : serialize(child as unknown as SVGElement, `${indent}  `),
  );
  return [`${indent}<${name}${written}>`, ...lines, `${indent}</${name}>`].join("\n");
}

/** Without blanks at the ends or in a row, and numbers with two digits at most. */
function normalize(value: string): string {
  return value
    .replace(/\s+/g, " ")
    .trim()
    .replace(/\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))));
}

function escapeText(text: string): string {
  return text.replace(/[&<>"\n\t\u202a-\u202e]/g, (character) => `&#${character.codePointAt(0)};`);
}
