// Checks data from the collector once, where it arrives. After that the types of messages.ts hold.

import type { Definition } from "./definition.ts";
import { definitions } from "./definitions.ts";

/** Data from the collector does not have the expected shape; `message` says where. */
export class SchemaError extends Error {}

/** The value as the named type of messages.ts. Throws SchemaError, which names the path ("$.steps[3].label"). */
export function check<T>(name: string, value: unknown): T {
  const fault = verify({ ref: name }, value);
  if (fault) throw new SchemaError(`expected ${fault.expected}, got ${abbreviate(fault.got)} at $${fault.path}`);
  return value as T;
}

/** What is wrong, and the path to it. The path is put together only after a fault. */
interface Fault {
  readonly expected: string;
  readonly got: unknown;
  readonly path: string;
}

function verify(definition: Definition, value: unknown): Fault | null {
  if ("ref" in definition) return verify(resolve(definition.ref), value);
  if ("type" in definition) return verifyType(definition.type, value);
  if ("enum" in definition) {
    const isMember = (definition.enum as unknown[]).includes(value);
    return isMember ? null : fault(`one of ${definition.enum.join(", ")}`, value);
  }
  if ("items" in definition) return verifyItems(definition.items, value);
  if ("any" in definition) return verifyAny(definition.any, value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fault("an object", value);
  const record = value as Record<string, unknown>;
  if ("fields" in definition) return verifyFields(definition.fields, record);
  if ("values" in definition) return verifyValues(definition.values, record);
  const variant = own(definition.of, String(record[definition.tag]));
  if (!variant) return fault(`one of ${Object.keys(definition.of).join(", ")}`, record[definition.tag]);
  return verify(variant, value);
}

function verifyType(type: string, value: unknown): Fault | null {
  const matches = type === "null" ? value === null : typeof value === type;
  return matches ? null : fault(`a ${type}`, value);
}

function verifyItems(definition: Definition, value: unknown): Fault | null {
  if (!Array.isArray(value)) return fault("a list", value);
  for (let i = 0; i < value.length; i++) {
    const fault = verify(definition, value[i]);
    if (fault) return below(`[${i}]`, fault);
  }
  return null;
}

function verifyFields(fields: Record<string, Definition>, record: Record<string, unknown>): Fault | null {
  for (const name in fields) {
    const definition = fields[name];
    const fault = definition && verify(definition, own(record, name));
    if (fault) return below(`.${name}`, fault);
  }
  return null;
}

function verifyValues(definition: Definition, record: Record<string, unknown>): Fault | null {
  for (const name in record) {
    const fault = verify(definition, record[name]);
    if (fault) return below(`.${name}`, fault);
  }
  return null;
}

/** "any" is always "this type or null" here, so the fault can name the type. */
function verifyAny(definitions: Definition[], value: unknown): Fault | null {
  const isNull = (definition: Definition) => "type" in definition && definition.type === "null";
  if (value === null && definitions.some(isNull)) return null;
  for (const definition of definitions) {
    const fault = isNull(definition) ? null : verify(definition, value);
    if (fault) return fault;
  }
  return null;
}

/** An own property. The prototype has names too, such as "constructor". */
function own<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function resolve(name: string): Definition {
  const definition = own(definitions, name);
  if (!definition) throw new SchemaError(`no definition of ${name}`);
  return definition;
}

function fault(expected: string, got: unknown): Fault {
  return { expected, got, path: "" };
}

function below(step: string, { expected, got, path }: Fault): Fault {
  return { expected, got, path: step + path };
}

function abbreviate(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value)?.slice(0, 40) ?? typeof value);
}
