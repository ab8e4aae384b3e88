// Points in time, in the reader's own zone.

/** "24 Nov 2026, 21:10". */
export function formatInstant(ns: number): string {
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
  return new Date(ns / 1e6).toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit" });
}
