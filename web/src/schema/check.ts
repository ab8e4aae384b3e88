// The check that data from the collector passes once, at the border. Behind it the types of messages.ts hold.

import { definitions } from "./definitions.ts";

export type Definition =
  | { ref: string }
  | { enum: (string | number | boolean)[] }
  | { tag: string; of: Record<string, Definition> }
  | { any: Definition[] }
  | { items: Definition }
  | { fields: Record<string, Definition> }
  | { values: Definition }
  | { type: string };

/** Data from the collector has another shape than this page knows; `message` says where. */
export class SchemaError extends Error {}

/** The value as the named type of messages.ts; throws SchemaError naming the place ("$.steps[3].label"). */
export function check<T>(name: string, value: unknown): T {
  verify({ ref: name }, value, "$");
  return value as T;
}

function verify(definition: Definition, value: unknown, at: string): void {
  if ("ref" in definition) verify(resolve(definition.ref), value, at);
  else if ("type" in definition) verifyType(definition.type, value, at);
  else if ("enum" in definition) {
    if (!(definition.enum as unknown[]).includes(value)) fail(`one of ${definition.enum.join(", ")}`, value, at);
  } else if ("items" in definition) {
    if (!Array.isArray(value)) fail("a list", value, at);
    else for (let i = 0; i < value.length; i++) verify(definition.items, value[i], `${at}[${i}]`);
  } else if ("any" in definition) verifyAny(definition.any, value, at);
  else verifyObject(definition, value, at);
}

function verifyObject(definition: Definition, value: unknown, at: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail("an object", value, at);
  const record = value as Record<string, unknown>;
  if ("tag" in definition) {
    const chosen = definition.of[String(record[definition.tag])];
    if (!chosen) fail(`one of ${Object.keys(definition.of).join(", ")}`, record[definition.tag], at);
    verify(chosen, value, at);
  } else if ("fields" in definition) {
    for (const name in definition.fields) {
      const field = definition.fields[name];
      if (field) verify(field, record[name], `${at}.${name}`);
    }
  } else if ("values" in definition) {
    for (const name of Object.keys(record)) verify(definition.values, record[name], `${at}.${name}`);
  }
}

function verifyAny(definitions: Definition[], value: unknown, at: string): void {
  // Here "any" is always "this or null", so that the error can name what this should have been.
  const isNull = (one: Definition) => "type" in one && one.type === "null";
  if (value === null && definitions.some(isNull)) return;
  for (const one of definitions) if (!isNull(one)) verify(one, value, at);
}

function verifyType(type: string, value: unknown, at: string): void {
  if (type === "null" ? value !== null : typeof value !== type) fail(`a ${type}`, value, at);
}

function resolve(name: string): Definition {
  const found = definitions[name];
  if (!found) throw new SchemaError(`no definition of ${name}`);
  return found;
}

function fail(expected: string, value: unknown, at: string): never {
  const got = value === undefined ? "nothing" : (JSON.stringify(value)?.slice(0, 40) ?? typeof value);
  throw new SchemaError(`expected ${expected}, got ${got} at ${at}`);
}
