// What the page asks of the collector's HTTP API. Addresses are relative, so that it may stand behind a path.

import { check, SchemaError } from "../schema/check.ts";
import type { Lens, Lifecycle } from "../schema/messages.ts";
import { SourceError } from "./source.ts";
import { diagramQuery } from "./subject.ts";

export function liveAddress(): string {
  const address = new URL("api/live", document.baseURI);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

/** The picture as Mermaid text. */
export async function mermaidText(lens: Lens, limit: number): Promise<string> {
  return (await ask(`api/diagram?${diagramQuery(lens, limit)}`)).text();
}

/** A lifecycle by its id and the time of its acquire (rounded, as it came); null where the store has it no more. */
export async function lifecycle(id: string, acquireNs: number): Promise<Lifecycle | null> {
  const rounding = 1_000;
  const query = new URLSearchParams({
    process: id.split("-")[0] ?? "",
    since: String(acquireNs - rounding),
    until: String(acquireNs + rounding),
    limit: "1000",
  });
  const answer: unknown = await (await ask(`api/lifecycles?${query}`)).json();
  if (typeof answer !== "object" || answer === null || !("items" in answer) || !Array.isArray(answer.items)) {
    throw new SchemaError("expected a list of lifecycles");
  }
  const found = answer.items.find((item: unknown) => (item as { id?: unknown } | null)?.id === id);
  return found === undefined ? null : check<Lifecycle>("Lifecycle", found);
}

/** Why the collector refuses this page: a token is missing or wrong, or the host is not one it answers to. */
export async function refusal(): Promise<string | null> {
  try {
    await ask("api/processes?limit=1", [401, 403]);
    return null;
  } catch (error) {
    return error instanceof SourceError ? error.message : null;
  }
}

async function ask(path: string, fatal: readonly number[] | null = null): Promise<Response> {
  const response = await fetch(new URL(path, document.baseURI));
  if (response.ok || (fatal && !fatal.includes(response.status))) return response;
  throw new SourceError(await reason(response));
}

/** What a problem document (RFC 9457) says, else the status. */
async function reason(response: Response): Promise<string> {
  try {
    const problem: unknown = await response.json();
    if (typeof problem === "object" && problem !== null && "detail" in problem) return String(problem.detail);
  } catch {
    // No JSON: the status has to do.
  }
  return `${response.status} ${response.statusText}`;
}
