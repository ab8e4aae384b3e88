// How the exporters are, in words.

import type { Exporter } from "../schema/messages.ts";
import { formatTicking } from "./durations.ts";

export type ExportState = "ok" | "behind" | "retrying" | "refusing";

const BEHIND_S = 5; // a lag below this is how exporting goes
const WORST: readonly ExportState[] = ["refusing", "retrying", "behind", "ok"];

export function stateOf(exporter: Exporter): ExportState {
  if (exporter.state !== "ok") return exporter.state;
  return exporter.lag_s >= BEHIND_S ? "behind" : "ok";
}

/** Spans that the backend will never have: it would not take them, or they were deleted before it could. */
export function lostOf({ rejected, refused, expired }: Exporter): number {
  return rejected + refused + expired;
}

/** All exporters in a few words, by the one that is worst off. */
export function describeExporters(exporters: readonly Exporter[]): { state: ExportState; text: string } {
  const state = WORST.find((one) => exporters.some((exporter) => stateOf(exporter) === one)) ?? "ok";
  const those = exporters.filter((exporter) => stateOf(exporter) === state);
  const lag = formatTicking(Math.max(0, ...those.map(({ lag_s }) => lag_s)) * 1e9);
  const words = {
    ok: "exporting",
    behind: `export ${lag} behind`,
    retrying: `export retrying, ${lag} behind`,
    refusing: "export refused",
  };
  const share = exporters.length > 1 && state !== "ok" ? ` (${those.length} of ${exporters.length})` : "";
  return { state, text: words[state] + share };
}
