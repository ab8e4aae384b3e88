// How resources and places in a program are called: the same rules as tenure_server/model/labels.py.

import type { Process, Resource, Site } from "../schema/messages.ts";
import { formatBrief } from "./durations.ts";

const LARGE_SKEW_MS = 10_000;
const DAY_MS = 86_400_000;
const MILLISECOND = 1e6;

type Named = Pick<Resource, "kind" | "name" | "capacity">;

/** "Lock stock_lock", "Pool orders (2)", "Connection". */
export function resourceLabel({ kind, name, capacity }: Named): string {
  const short = shortKind(kind);
  const repeats = ["", plain(short), plain(short.slice(short.lastIndexOf(".") + 1))].includes(plain(name));
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

/** "process 4711"; of a service that tells no number of its process, "process". */
export function processLabel({ pid }: Pick<Process, "pid">): string {
  return pid === 0 ? "process" : `process ${pid}`;
}

/** "3 h ahead" of the collector's where a process's clock is so far off that its times mislead; else nothing. */
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

function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

function isLower(character: string): boolean {
  return character !== character.toUpperCase();
}

function isUpper(character: string): boolean {
  return character !== character.toLowerCase();
}
