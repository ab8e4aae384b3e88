// Made by scripts/generate_types.py from the server's structs. Do not edit: change the structs and run it.

// On the wire every field is present; integers past 2^53 (times in ns) arrive rounded to about 256 ns.

export const MAX_LIMIT = 20000;

export type Outcome = "cancelled" | "error" | "ok";

export type Phase = "abandoned" | "acquiring" | "closed" | "held" | "releasing";

export type Step = Declare | Create | Destroy | Message | Note | Activate | Deactivate | Begin | End;

export type Operation = Append | Insert | Update | Remove;

export type ServerMessage = Page | Operations | Current | Gap | Overview | Problem;

export type ClientMessage = Subscribe;

/** A column begins here. */
export interface Declare {
  step: "declare";
  id: string;
  participant: Participant;
}

/** A column: a task, a resource, or a group of tasks or resources. */
export interface Participant {
  id: string;
  role: "resource" | "task";
  stereotype: string;
  label: string;
  ref: string;
}

/** A column begins at the next step, a message that creates the participant. */
export interface Create {
  step: "create";
  id: string;
  participant: Participant;
}

/** A column ends at the next step, a message. */
export interface Destroy {
  step: "destroy";
  id: string;
  participant: string;
}

/** An arrow from one participant to another, or to itself. ``at_ns``: ns since the Unix epoch. */
export interface Message {
  step: "message";
  id: string;
  from: string;
  to: string;
  arrow: "-)" | "--)" | "-->>" | "--x" | "->>" | "-x";
  label: string;
  at_ns: number;
  lifecycle: string | null;
  outcome: Outcome | null;
  activate: boolean;
  deactivate: boolean;
}

/**
 * A note over one participant, or from one to another. ``at_ns``: ns since the Unix epoch.
 *
 * ``since_ns`` is set for a state that has not ended. Then ``text`` ends with the time that had passed when the step
 * was made, and a live view can print ``lead`` and count the time itself.
 */
export interface Note {
  step: "note";
  id: string;
  over: string[];
  text: string;
  at_ns: number;
  lifecycle: string | null;
  kind: "cut" | "info" | "open" | "wait";
  lead: string | null;
  since_ns: number | null;
  outcome: Outcome | null;
}

/** A bar begins on the participant's line. */
export interface Activate {
  step: "activate";
  id: string;
  participant: string;
  lifecycle: string | null;
}

/** The lifecycle's bar on the participant's line ends. */
export interface Deactivate {
  step: "deactivate";
  id: string;
  participant: string;
  lifecycle: string | null;
}

/** A fragment begins. ``fold`` is the id that a lens lists in ``opened`` to show the fold unfolded. */
export interface Begin {
  step: "begin";
  id: string;
  fragment: "alt" | "break" | "critical" | "loop" | "par";
  label: string;
  fold: string | null;
}

/** The innermost fragment ends. */
export interface End {
  step: "end";
  id: string;
  fragment: "alt" | "break" | "critical" | "loop" | "par";
}

/** Add the steps at the end. */
export interface Append {
  op: "append";
  steps: Step[];
}

/** Add the steps directly before the step whose id is ``before``. */
export interface Insert {
  op: "insert";
  before: string;
  steps: Step[];
}

/** Replace the step with the same id, in its place. */
export interface Update {
  op: "update";
  step: Step;
}

/** Remove the steps with these ids. */
export interface Remove {
  op: "remove";
  ids: string[];
}

/** Server: the whole diagram. ``lens`` is that of the subscription; ``token`` is for ``Subscribe.resume``. */
export interface Page {
  type: "page";
  token: string;
  lens: Lens;
  now_ns: number;
  steps: Step[];
  earlier: number;
}

/**
 * What a diagram shows. With no subject it is everything, the newest first to be kept.
 *
 * ``opened`` names folds that are to be shown unfolded.
 */
export interface Lens {
  trace: string | null;
  task: string | null;
  resource: string | null;
  process: string | null;
  since_ns: number | null;
  until_ns: number | null;
  fold: boolean;
  opened: string[];
  tasks: "coroutine" | "task";
  resources: "kind" | "resource";
}

/** Server: the changes since the last page or operations, to be applied in order. */
export interface Operations {
  type: "operations";
  token: string;
  now_ns: number;
  operations: Operation[];
  earlier: number;
}

/** Server: the client's diagram is up to date. */
export interface Current {
  type: "current";
  token: string;
  now_ns: number;
}

/** Server: the client was too slow, and ``missed`` messages were not sent. A page follows. */
export interface Gap {
  type: "gap";
  missed: number;
}

/**
 * Server: processes, recent traces (newest first), resources in use or lately used, exporters.
 *
 * It is sent when it has changed, at most twice a second.
 */
export interface Overview {
  type: "overview";
  now_ns: number;
  processes: Process[];
  traces: Trace[];
  resources: Resource[];
  exporters: Exporter[];
}

/** ``clock_skew_ms``: how far its clock is ahead of the collector's; negative: behind, or what it sends is late. */
export interface Process {
  id: string;
  service: string;
  host: string;
  pid: number;
  python: string;
  started_ns: number;
  last_seen_ns: number;
  alive: boolean;
  dropped: Record<string, number>;
  clock_skew_ms: number;
}

export interface Trace {
  id: string;
  name: string;
  services: string[];
  start_ns: number;
  end_ns: number | null;
  lifecycles: number;
  open: number;
  errors: number;
}

/** A resource with who holds it and who waits for it; waiters in the order they came. */
export interface Resource {
  id: string;
  process: string;
  kind: string;
  name: string;
  capacity: number | null;
  stereotype: string;
  acquiring: number;
  held: number;
  releasing: number;
  failed: number;
  total: number;
  holders: Use[];
  waiters: Use[];
  wait_ms: Percentiles;
  hold_ms: Percentiles;
}

/** Somebody who holds a resource or waits for it, since ``since_ns``. */
export interface Use {
  lifecycle: string;
  task: TaskRef;
  site: Site;
  since_ns: number;
}

export interface TaskRef {
  id: string;
  name: string;
}

export interface Site {
  file: string;
  line: number;
  function: string;
  expression: string;
  enter: string;
  exit: string;
}

/** Milliseconds; None where nothing was measured yet. */
export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/**
 * One backend that spans are exported to. Counts are numbers of lifecycles since the collector started.
 *
 * ``state``: ok, everything is exported; retrying, the last attempts failed and nothing is lost; refusing, the backend
 * refused the last request. ``waiting`` lifecycles have closed and are not acknowledged by the backend; the oldest of
 * them has waited for ``lag_s`` seconds. ``exported`` were accepted. ``rejected`` were not accepted in a partial
 * success. ``refused`` were in requests that the backend refused as a whole. ``expired`` were deleted by the retention
 * before their export; this count begins when the store first knows the exporter. ``retries`` are failed attempts.
 * Times are in ns since the Unix epoch, None where there was none.
 */
export interface Exporter {
  url: string;
  state: "ok" | "refusing" | "retrying";
  waiting: number;
  lag_s: number;
  exported: number;
  rejected: number;
  refused: number;
  expired: number;
  retries: number;
  last_export_ns: number | null;
  last_error: string | null;
  last_error_ns: number | null;
}

/** Server: why the last subscription failed, or why the diagram cannot be drawn now. */
export interface Problem {
  type: "problem";
  detail: string;
}

/**
 * Client: show this lens from now on. It replaces the connection's earlier subscription.
 *
 * ``limit`` (1 to MAX_LIMIT) is the number of lifecycles in a page, the newest ones. The diagram then grows to twice
 * that number before its older part is removed. ``resume`` is the token of the client's last page or operations; if
 * nothing has changed since then, the answer is ``Current``, else a page.
 */
export interface Subscribe {
  type: "subscribe";
  lens: Lens;
  limit: number;
  resume: string | null;
}

/** The answer of /api/diagram. ``earlier``: the number of older lifecycles that the size limit leaves out. */
export interface Diagram {
  steps: Step[];
  earlier: number;
}

/**
 * One use of one resource by one task: enter to exit.
 *
 * ``released_ns`` is when it ended, also for an acquire that failed (its ``acquired_ns`` and ``release_ns`` are None).
 * ``body_exception`` left the body; ``raised`` is what acquire or release raised of its own; ``exception`` is the one
 * that a reader wants first: ``raised``, else ``body_exception``. Of a root, ``otel_parent`` is the OpenTelemetry span
 * that it hangs under (16 hex digits), whether or not that span is known here.
 */
export interface Lifecycle {
  id: string;
  process: string;
  service: string;
  trace: string;
  parent: string | null;
  phase: Phase;
  suppressed: boolean;
  task: TaskRef;
  resource: ResourceRef;
  site: Site;
  acquire_ns: number;
  acquired_ns: number | null;
  release_ns: number | null;
  released_ns: number | null;
  acquire_outcome: Outcome | null;
  body_outcome: Outcome | null;
  release_outcome: Outcome | null;
  exception: ExceptionInfo | null;
  body_exception: ExceptionInfo | null;
  raised: ExceptionInfo | null;
  otel_parent: string | null;
  held_around: HeldAround | null;
}

export interface ResourceRef {
  id: string;
  kind: string;
  name: string;
  capacity: number | null;
  stereotype: string;
}

export interface ExceptionInfo {
  type: string;
  message: string;
  canceller: Canceller | null;
}

/** Who asked for a cancellation: as much of it as is known. */
export interface Canceller {
  task: TaskRef | null;
  via: string;
  site: Site | null;
}

/** The lifecycle that was held around a root for so long that the root began a trace of its own. */
export interface HeldAround {
  lifecycle: string;
  trace: string;
}

/**
 * Everything that the page can show.
 *
 * ``lifecycles`` are those that the pictures tell of; ``left_out`` subjects have no diagram of their own here, for the
 * page's size.
 */
export interface Archive {
  overview: Overview;
  views: View[];
  pictures: ArchivedDiagram[];
  lifecycles: Lifecycle[];
  left_out: number;
}

/** What a lens shows: the place of its picture among the archive's. Lenses that show the same share one. */
export interface View {
  lens: Lens;
  picture: number;
}

/** A drawn diagram, and the same as Mermaid text. */
export interface ArchivedDiagram {
  steps: Step[];
  earlier: number;
  mermaid: string;
}
