// Labels of resources, processes and sites: the same rules as in tenure_server/model/labels.py.

import type { Process, Resource, Site } from "../schema/messages.ts";
import { formatBrief } from "./durations.ts";
import { formatStart } from "./instants.ts";

const LARGE_SKEW_MS = 10_000;
const DAY_MS = 86_400_000;
const MILLISECOND = 1e6;

type ResourceName = Pick<Resource, "kind" | "name" | "capacity">;

/** "Lock stock_lock", "Pool orders (2)", "Connection". */
export function resourceLabel({ kind, name, capacity }: ResourceName): string {
  const short = shortKind(kind);
  const repeats = ["", simplified(short), simplified(short.slice(short.lastIndexOf(".") + 1))].includes(
    simplified(name),
  );
  const label = repeats ? short : `${short} ${name}`;
  return capacity !== null && capacity > 1 ? `${label} (${capacity})` : label;
}

/** The last part of a qualified name; a method keeps its class: "shop.db.Pool.transaction" -> "Pool.transaction". */
export function shortKind(kind: string): string {
  const parts = (kind.split("<locals>.").at(-1) ?? "").split(".");
  const last = parts.at(-1) ?? "";
  const owner = parts.at(-2) ?? "";
  const isMethod = isLower(last[0] ?? "") && isUpper(owner.replace(/^_+/, "")[0] ?? "");
  return isMethod ? `${owner}.${last}` : last;
}

/** "shop #4711"; "shop" for a service that sends no process id. */
export function processLabel({ service, pid }: Pick<Process, "service" | "pid">): string {
  const name = service || "process";
  return pid > 0 ? `${name} #${pid}` : name;
}

/** "running, started 14:02" or "ended, started 24 Nov 2026, 21:10". */
export function processState({ alive, started_ns }: Pick<Process, "alive" | "started_ns">, nowNs: number): string {
  const started = started_ns > 0 ? `, started ${formatStart(started_ns, nowNs)}` : "";
  return `${alive ? "running" : "ended"}${started}`;
}

/** "3 h ahead" of the collector's clock, if the process's clock is so far off that its times mislead; otherwise "". */
export function skewLabel({ clock_skew_ms }: Pick<Process, "clock_skew_ms">): string {
  if (Math.abs(clock_skew_ms) < LARGE_SKEW_MS) return "";
  const ms = Math.abs(clock_skew_ms);
  const amount = ms < 2 * DAY_MS ? formatBrief(ms * MILLISECOND) : `${Math.round(ms / DAY_MS)} d`;
  return `${amount} ${clock_skew_ms > 0 ? "ahead" : "behind"}`;
}

/** "stock.py:41" */
export function siteLabel(site: Site): string {
  return `${site.file.slice(Math.max(site.file.lastIndexOf("/"), site.file.lastIndexOf("\\")) + 1)}:${site.line}`;
}

function simplified(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

function isLower(character: string): boolean {
  return character !== character.toUpperCase();
}

function isUpper(character: string): boolean {
  return character !== character.toLowerCase();
}
