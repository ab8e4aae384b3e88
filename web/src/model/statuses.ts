// HTTP statuses: the same rule as in tenure_server/model/labels.py.

import type { Trace } from "../schema/messages.ts";

/** Whether the server failed: 500 to 599. */
export function isServerError(status: number | null): boolean {
  return status !== null && status >= 500 && status < 600;
}

/** Whether a phase of one of its lifecycles ended in an error, or its request was answered with a server error. */
export function hasFailed({ errors, status }: Pick<Trace, "errors" | "status">): boolean {
  return errors > 0 || isServerError(status);
}
