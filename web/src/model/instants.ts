// Points in time, in the reader's own zone.

/** "14:02", with its day where that is another one than now. */
export function formatStart(ns: number, nowNs: number): string {
  const [start, now] = [new Date(ns / 1e6), new Date(nowNs / 1e6)];
  if (start.toDateString() !== now.toDateString()) return formatInstant(ns);
  return start.toLocaleString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** "24 Nov 2026, 21:10". */
export function formatInstant(ns: number): string {
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
  return new Date(ns / 1e6).toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit" });
}
