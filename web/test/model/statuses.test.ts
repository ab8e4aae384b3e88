import { describe, expect, test } from "vitest";
import { hasFailed, isServerError } from "../../src/model/statuses.ts";

describe("an HTTP status", () => {
  /** Only 5xx says that the server failed; 404 is an answer. */
  test.each([
    [null, false],
    [200, false],
    [404, false],
    [499, false],
    [500, true],
    [599, true],
    [600, false],
  ])("%s", (status, isError) => {
    expect(isServerError(status)).toBe(isError);
    expect(hasFailed({ errors: 0, status })).toBe(isError);
    expect(hasFailed({ errors: 1, status })).toBe(true);
  });
});
