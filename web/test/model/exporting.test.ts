import { describe, expect, test } from "vitest";
import { describeExporters, lostOf } from "../../src/model/exporting.ts";
import type { Exporter } from "../../src/schema/messages.ts";

const well: Exporter = {
  url: "http://127.0.0.1:4318/v1/traces",
  state: "ok",
  waiting: 0,
  lag_s: 0,
  exported: 10,
  rejected: 0,
  refused: 0,
  expired: 0,
  retries: 0,
  last_export_ns: 1,
  last_error: null,
  last_error_ns: null,
};

describe("exporters in words", () => {
  /** The one that is worst off is told of, and how many are like it where there are several. */
  test.each<[Exporter[], string, string]>([
    [[well], "ok", "exporting"],
    [[{ ...well, lag_s: 4 }], "ok", "exporting"],
    [[{ ...well, lag_s: 32 }], "behind", "export 32 s behind"],
    [[{ ...well, state: "retrying", lag_s: 12 }], "retrying", "export retrying, 12 s behind"],
    [[well, { ...well, state: "refusing" }], "refusing", "export refused (1 of 2)"],
    [
      [
        { ...well, state: "retrying", lag_s: 12 },
        { ...well, lag_s: 90 },
      ],
      "retrying",
      "export retrying, 12 s behind (1 of 2)",
    ],
  ])("%#", (exporters, state, text) => {
    expect(describeExporters(exporters)).toEqual({ state, text });
  });

  /** Lost is what the backend will never have, for whatever reason. */
  test("lost spans are counted together", () => {
    expect(lostOf({ ...well, rejected: 1, refused: 2, expired: 4 })).toBe(7);
  });
});
