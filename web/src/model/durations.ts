// Durations as people write them: the same forms as in tenure_server/model/labels.py.

const MICROSECOND = 1e3;
const MILLISECOND = 1e6;
const SECOND = 1e9;

/** Nanoseconds as "<1 µs", "25 µs", "0.3 ms", "120 ms", "1.00 s", "32 s", "2 min 5 s", "3 h 0 min". */
export function formatDuration(ns: number): string {
  return ns < 10 * SECOND ? short(ns) : long(Math.round(ns / SECOND));
}

/** A duration that ticks once a second: whole seconds only, so that no digits flicker. */
export function formatTicking(ns: number): string {
  return ns < SECOND ? "<1 s" : long(Math.floor(ns / SECOND));
}

/** Milliseconds of a percentile; a dash if nothing was measured. */
export function formatPercentile(ms: number | null): string {
  return ms === null ? "–" : formatDuration(ms * MILLISECOND);
}

function short(ns: number): string {
  if (ns < MICROSECOND) return "<1 µs";
  const us = Math.round(ns / MICROSECOND);
  if (us < 100) return `${us} µs`;
  const tenths = Math.round(ns / (MILLISECOND / 10));
  if (tenths < 100) return `${tenths / 10} ms`;
  const ms = Math.round(ns / MILLISECOND);
  if (ms < 1000) return `${ms} ms`;
  const hundredths = Math.round(ns / (SECOND / 100));
  return hundredths < 1000 ? `${(hundredths / 100).toFixed(2)} s` : "10 s";
}

function long(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A ticking duration in one unit, for small places: "0 s", "119 s", "59 min", "3 h". */
export function formatBrief(ns: number): string {
  const seconds = Math.floor(ns / SECOND);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}
