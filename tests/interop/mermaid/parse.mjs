// Reads Mermaid texts from stdin, one JSON string a line, and answers what the real parser makes of each, one JSON
// object a line: {"actors": [[id, label, type]..], "messages": [[type, from, to, text, activate]..]} or {"error"}.

import { createInterface } from "node:readline";

console.log = console.error; // stdout is for answers
const { default: mermaid } = await import("../../web/node_modules/mermaid/dist/mermaid.core.mjs");
await mermaid.parse("sequenceDiagram\n    a->>b: registers the diagram types");

// The parser keeps `#58;` as a mark of its own, which the renderer hands to the browser as `&#58;`.
const decoded = (text) => text?.replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code)));

async function answer(text) {
  try {
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    const names = Object.fromEntries(Object.entries(db.LINETYPE).map(([name, type]) => [type, name]));
    return {
      actors: [...db.getActors().values()].map((actor) => [actor.name, decoded(actor.description), actor.type]),
      created: [...db.getCreatedActors().keys()],
      destroyed: [...db.getDestroyedActors().keys()],
      messages: db
        .getMessages()
        .map((it) => [names[it.type], it.from ?? null, it.to ?? null, decoded(it.message), it.activate ?? false]),
    };
  } catch (error) {
    return { error: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
