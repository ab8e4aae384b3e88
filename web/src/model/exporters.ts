// The state of the exporters, in words.

import type { Exporter } from "../schema/messages.ts";
import { formatTicking } from "./durations.ts";

export type ExportState = "ok" | "behind" | "retrying" | "refusing";

const BEHIND_S = 5; // a smaller lag is normal
const WORST_FIRST: readonly ExportState[] = ["refusing", "retrying", "behind", "ok"];

export function exportState({ state, lag_s }: Exporter): ExportState {
  if (state !== "ok") return state;
  return lag_s >= BEHIND_S ? "behind" : "ok";
}

/** Spans that the backend never gets: it did not accept them, or they were deleted before they were exported. */
export function lostSpans({ rejected, refused, expired }: Exporter): number {
  return rejected + refused + expired;
}

/** All exporters in a few words: the worst state, and how many exporters are in it. */
export function describeExporters(exporters: readonly Exporter[]): { state: ExportState; text: string } {
  const worst = WORST_FIRST.find((state) => exporters.some((exporter) => exportState(exporter) === state)) ?? "ok";
  const affected = exporters.filter((exporter) => exportState(exporter) === worst);
  const lag = formatTicking(Math.max(0, ...affected.map(({ lag_s }) => lag_s)) * 1e9);
  const texts = {
    ok: "exporting",
    behind: `export ${lag} behind`,
    retrying: `export retrying, ${lag} behind`,
    refusing: "export refused",
  };
  const share = exporters.length > 1 && worst !== "ok" ? ` (${affected.length} of ${exporters.length})` : "";
  return { state: worst, text: texts[worst] + share };
}
