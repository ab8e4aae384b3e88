// Reads [Mermaid text, [version..]] from stdin, as JSON, one a line, and answers what the parsers of these versions make
// of the text, one JSON object a line: {version: {"actors": [[id, label, type]..], "created": [id..],
// "destroyed": [id..], "messages": [[type, from, to, text, activate]..]} or {"error"}}. "\n" in a text is a line break.

import { createInterface } from "node:readline";

console.log = console.error; // stdout is for answers
const PACKAGES = { "10.9": "mermaid-10", 11.4: "mermaid-11.4", 11.12: "mermaid-11.12", "12.3": "mermaid" };
const parsers = {};
for (const [version, name] of Object.entries(PACKAGES)) {
  parsers[version] = (await import(`../../web/node_modules/${name}/dist/mermaid.core.mjs`)).default;
  await parsers[version].parse("sequenceDiagram\n    a->>b: registers the diagram types");
}

// The parser keeps `#58;` as a mark of its own, which the renderer hands to the browser as `&#58;`.
const decoded = (text) =>
  text?.replaceAll("<br/>", "\n").replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code)));

// Mermaid 10 has objects where later versions have maps, and where an activation has its participant.
const entries = (table) => (table instanceof Map ? [...table.entries()] : Object.entries(table));
const id = (participant) => participant?.actor ?? participant ?? null;

async function answer(mermaid, text) {
  try {
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    const names = Object.fromEntries(Object.entries(db.LINETYPE).map(([name, type]) => [type, name]));
    return {
      actors: entries(db.getActors()).map(([, actor]) => [actor.name, decoded(actor.description), actor.type]),
      created: entries(db.getCreatedActors()).map(([id]) => id),
      destroyed: entries(db.getDestroyedActors()).map(([id]) => id),
      messages: db
        .getMessages()
        .map((it) => [names[it.type], id(it.from), id(it.to), decoded(it.message) ?? "", it.activate ?? false]),
    };
  } catch (error) {
    return { error: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [text, versions] = JSON.parse(line);
  const answers = {};
  for (const version of versions) answers[version] = await answer(parsers[version], text);
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
