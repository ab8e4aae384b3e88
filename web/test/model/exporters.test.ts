import { describe, expect, test } from "vitest";
import { describeExporters, lostSpans } from "../../src/model/exporters.ts";
import type { Exporter } from "../../src/schema/messages.ts";

const healthy: Exporter = {
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
  /** The worst state is shown, and with several exporters how many are in it. */
  test.each<[Exporter[], string, string]>([
    [[healthy], "ok", "exporting"],
    [[{ ...healthy, lag_s: 4 }], "ok", "exporting"],
    [[{ ...healthy, lag_s: 32 }], "behind", "export 32 s behind"],
    [[{ ...healthy, state: "retrying", lag_s: 12 }], "retrying", "export retrying, 12 s behind"],
    [[healthy, { ...healthy, state: "refusing" }], "refusing", "export refused (1 of 2)"],
    [
      [
        { ...healthy, state: "retrying", lag_s: 12 },
        { ...healthy, lag_s: 90 },
      ],
      "retrying",
      "export retrying, 12 s behind (1 of 2)",
    ],
  ])("%#", (exporters, state, text) => {
    expect(describeExporters(exporters)).toEqual({ state, text });
  });

  /** Rejected, refused and expired spans are lost. */
  test("lost spans are counted together", () => {
    expect(lostSpans({ ...healthy, rejected: 1, refused: 2, expired: 4 })).toBe(7);
  });
});
