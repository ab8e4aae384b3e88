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
  const fault = verify({ ref: name }, value);
  if (fault) throw new SchemaError(`expected ${fault.expected}, got ${shown(fault.got)} at $${fault.at}`);
  return value as T;
}

/** What is wrong, and where below the value that was looked at. Its place is put together only where there is one. */
interface Fault {
  readonly expected: string;
  readonly got: unknown;
  readonly at: string;
}

function verify(definition: Definition, value: unknown): Fault | null {
  if ("ref" in definition) return verify(resolve(definition.ref), value);
  if ("type" in definition) return verifyType(definition.type, value);
  if ("enum" in definition) {
    const isOne = (definition.enum as unknown[]).includes(value);
    return isOne ? null : fault(`one of ${definition.enum.join(", ")}`, value);
  }
  if ("items" in definition) return verifyItems(definition.items, value);
  if ("any" in definition) return verifyAny(definition.any, value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fault("an object", value);
  const record = value as Record<string, unknown>;
  if ("fields" in definition) return verifyFields(definition.fields, record);
  if ("values" in definition) return verifyValues(definition.values, record);
  const chosen = own(definition.of, String(record[definition.tag]));
  if (!chosen) return fault(`one of ${Object.keys(definition.of).join(", ")}`, record[definition.tag]);
  return verify(chosen, value);
}

function verifyType(type: string, value: unknown): Fault | null {
  const isIt = type === "null" ? value === null : typeof value === type;
  return isIt ? null : fault(`a ${type}`, value);
}

function verifyItems(definition: Definition, value: unknown): Fault | null {
  if (!Array.isArray(value)) return fault("a list", value);
  for (let i = 0; i < value.length; i++) {
    const found = verify(definition, value[i]);
    if (found) return below(`[${i}]`, found);
  }
  return null;
}

function verifyFields(fields: Record<string, Definition>, record: Record<string, unknown>): Fault | null {
  for (const name in fields) {
    const definition = fields[name];
    const found = definition && verify(definition, own(record, name));
    if (found) return below(`.${name}`, found);
  }
  return null;
}

function verifyValues(definition: Definition, record: Record<string, unknown>): Fault | null {
  for (const name in record) {
    const found = verify(definition, record[name]);
    if (found) return below(`.${name}`, found);
  }
  return null;
}

/** Here "any" is always "this or null", so that the fault can name what this should have been. */
function verifyAny(definitions: Definition[], value: unknown): Fault | null {
  const isNull = (one: Definition) => "type" in one && one.type === "null";
  if (value === null && definitions.some(isNull)) return null;
  for (const one of definitions) {
    const found = isNull(one) ? null : verify(one, value);
    if (found) return found;
  }
  return null;
}

/** What the object itself has under a name; its prototype has names of its own, such as "constructor". */
function own<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function resolve(name: string): Definition {
  const found = own(definitions, name);
  if (!found) throw new SchemaError(`no definition of ${name}`);
  return found;
}

function fault(expected: string, got: unknown): Fault {
  return { expected, got, at: "" };
}

function below(place: string, { expected, got, at }: Fault): Fault {
  return { expected, got, at: place + at };
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value)?.slice(0, 40) ?? typeof value);
}
