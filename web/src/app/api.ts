// Requests to the collector's HTTP API. Addresses are relative, so that the page can be served under a path.

import { check, SchemaError } from "../schema/check.ts";
import type { Lens, Lifecycle } from "../schema/messages.ts";
import { SourceError } from "./source.ts";
import { diagramQuery } from "./subject.ts";

const ROUNDING_NS = 1_000; // of times past 2^53

export function liveAddress(): string {
  const address = new URL("api/live", document.baseURI);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

/** The diagram as Mermaid text. */
export async function mermaidText(lens: Lens, limit: number): Promise<string> {
  return (await request(`api/diagram?${diagramQuery(lens, limit)}`)).text();
}

/** A lifecycle by its id and the time of its acquire (wall ns, rounded); null if it is no longer stored. */
export async function lifecycle(id: string, acquireNs: number): Promise<Lifecycle | null> {
  const query = new URLSearchParams({
    process: id.split("-")[0] ?? "",
    since: String(acquireNs - ROUNDING_NS),
    until: String(acquireNs + ROUNDING_NS),
    limit: "1000",
  });
  const body: unknown = await (await request(`api/lifecycles?${query}`)).json();
  if (typeof body !== "object" || body === null || !("items" in body) || !Array.isArray(body.items)) {
    throw new SchemaError("expected a list of lifecycles");
  }
  const item = body.items.find((candidate: unknown) => (candidate as { id?: unknown } | null)?.id === id);
  return item === undefined ? null : check<Lifecycle>("Lifecycle", item);
}

/** Why the collector refuses this page (a missing or wrong token, a host it does not serve), or null. */
export async function refusalReason(): Promise<string | null> {
  try {
    await request("api/processes?limit=1", [401, 403]);
    return null;
  } catch (error) {
    return error instanceof SourceError ? error.message : null;
  }
}

async function request(path: string, failures: readonly number[] | null = null): Promise<Response> {
  const response = await fetch(new URL(path, document.baseURI));
  if (response.ok || (failures && !failures.includes(response.status))) return response;
  throw new SourceError(await problemOf(response));
}

/** The detail of a problem document (RFC 9457); without one, the status. */
async function problemOf(response: Response): Promise<string> {
  try {
    const problem: unknown = await response.json();
    if (typeof problem === "object" && problem !== null && "detail" in problem) return String(problem.detail);
  } catch {
    // The body is no JSON: the status is used.
  }
  return `${response.status} ${response.statusText}`;
}
