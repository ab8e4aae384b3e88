// Elements of SVG, made by hand. Text is only ever set as text.

const NAMESPACE = "http://www.w3.org/2000/svg";

export type Attributes = Record<string, string | number | null>;

/** An element with attributes (null: left out) and children; a string child is text. */
export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (SVGElement | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(key, String(value));
  }
  element.append(...children);
  return element;
}
