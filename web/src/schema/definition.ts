/** What `check` needs to know of a type. */
export type Definition =
  | { ref: string }
  | { enum: (string | number | boolean)[] }
  | { tag: string; of: Record<string, Definition> }
  | { any: Definition[] }
  | { items: Definition }
  | { fields: Record<string, Definition> }
  | { values: Definition }
  | { type: string };
