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
  ended: boolean;
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

/**
 * A fragment begins. ``fold`` is the id that a lens lists in ``opened`` to show the fold unfolded.
 *
 * ``lifecycles``: so many are drawn by it, all repetitions counted.
 */
export interface Begin {
  step: "begin";
  id: string;
  fragment: "alt" | "break" | "critical" | "loop" | "par";
  label: string;
  fold: string | null;
  lifecycles: number;
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
  open: OpenCounts;
  internal: number;
}

/**
 * What a diagram shows. Without a subject it shows the newest lifecycles of all.
 *
 * ``trace``, ``task``, ``resource`` and ``process`` are ids; null: no restriction. The window is of acquire_ns:
 * since_ns <= acquire_ns < until_ns, in ns since the Unix epoch; null: no bound. ``fold``: fold repetitions, except
 * the folds whose ids are in ``opened``. ``tasks`` and ``resources`` choose what one column stands for. ``internal``:
 * also what libraries and frameworks enter for their own ends.
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
  internal: boolean;
}

/**
 * The open lifecycles of a lens, in living processes.
 *
 * ``held`` counts those that hold their resource or release it, ``waiting`` those that still acquire it, and ``drawn``
 * those of both that the diagram shows.
 */
export interface OpenCounts {
  held: number;
  waiting: number;
  drawn: number;
}

/** Server: the changes since the last page or operations, to be applied in order. */
export interface Operations {
  type: "operations";
  token: string;
  now_ns: number;
  operations: Operation[];
  earlier: number;
  open: OpenCounts;
  internal: number;
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
 * ``in_use`` counts all resources that are held or waited for, listed or not; null: not counted.
 *
 * ``with_diagram``: it is of the same state of the store as the Page, Operations or Current that follows, and is shown
 * together with it. Without a subscription it is sent when it has changed, at most twice a second.
 */
export interface Overview {
  type: "overview";
  now_ns: number;
  processes: Process[];
  traces: Trace[];
  resources: Resource[];
  exporters: Exporter[];
  with_diagram: boolean;
  in_use: number | null;
}

/**
 * A process that has sent lifecycles or spans.
 *
 * ``name`` is what every view calls it: "shop #28277", of service and pid.
 * ``last_seen_ns`` is when its last batch arrived, by the collector's clock; ``started_ns`` is by its own clock.
 * ``alive``: it sent a batch in the last 10 s and has not ended. ``dropped`` counts the lifecycles that its tracer
 * lost, by reason. ``clock_skew_ms`` is how far its clock is ahead of the collector's; negative: its clock is behind,
 * or its batches arrive late.
 */
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
  name: string;
}

/**
 * The lifecycles that belong together: a request, or a root and what it encloses.
 *
 * ``name`` is that of its root. ``services`` are those of the processes that take part, the first one first.
 * ``end_ns`` is null while one of its lifecycles is open. ``open`` counts the open lifecycles, ``errors`` those with a
 * phase that ended in an error. ``status`` is that of its root, the HTTP status of the response; null: not known, or
 * the root is no request.
 */
export interface Trace {
  id: string;
  name: string;
  services: string[];
  start_ns: number;
  end_ns: number | null;
  lifecycles: number;
  open: number;
  errors: number;
  status: number | null;
}

/**
 * A resource with its counts, its holders and its waiters.
 *
 * ``acquiring``, ``held`` and ``releasing`` count the lifecycles that are in this phase now, in a living process;
 * ``total`` counts all lifecycles so far, and ``failed`` those with a phase that ended in an error. ``holders`` and
 * ``waiters`` are in the order in which they acquired it or asked for it, at most 500 each. ``capacity`` and
 * ``stereotype``: as in ResourceRef.
 */
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

/** A lifecycle that holds a resource or waits for it. ``since_ns`` is when the hold or the wait began. */
export interface Use {
  lifecycle: string;
  task: TaskRef;
  site: Site;
  since_ns: number;
}

/** The id and the name of a task. */
export interface TaskRef {
  id: string;
  name: string;
}

/**
 * The place in the code where a lifecycle begins.
 *
 * ``line`` 0 and empty texts: not known. ``expression`` is the source text of the context manager. ``enter`` and
 * ``exit`` are the names of the calls that acquire and release; the ``exit`` of a span is empty.
 */
export interface Site {
  file: string;
  line: number;
  function: string;
  expression: string;
  enter: string;
  exit: string;
}

/** Durations in milliseconds, also of what goes on, with its time so far; null: nothing was measured yet. */
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

/**
 * The answer of /api/diagram.
 *
 * ``earlier`` is the number of older lifecycles that the size limit leaves out, ``internal`` that of lifecycles which
 * libraries entered for their own ends, and which are left out unless the lens has them. ``title`` names the processes
 * and the time of the events: "shop #28277, 2026-11-30 14:02:05 to 14:02:37 UTC".
 */
export interface Diagram {
  steps: Step[];
  earlier: number;
  title: string;
  open: OpenCounts;
  internal: number;
}

/**
 * One use of one resource by one task: from enter to exit.
 *
 * ``acquire_ns`` is when the acquire began, ``acquired_ns`` when it ended, ``release_ns`` when the release began,
 * ``released_ns`` when it ended; null: not reached. An acquire that failed has ``released_ns``, the instant at which
 * it failed, and neither ``acquired_ns`` nor ``release_ns``. An outcome is null until its phase has ended.
 *
 * ``phase`` "abandoned": the process died while the lifecycle was open. ``suppressed``: the exit suppressed the
 * exception of the body. ``parent`` is the lifecycle around this one; null: this is a root.
 *
 * ``body_exception`` left the body, ``raised`` was raised by the acquire or the release, and ``exception`` is
 * ``raised`` or, without it, ``body_exception``. ``otel_parent`` is the parent span of a root, 16 hex digits, even if
 * no such span is stored. ``held_around``: only of a root that began a trace within a lifecycle that is held long.
 * ``status`` is the HTTP status of the response to a request; null: not known, or no request. ``internal``: a library
 * or framework entered it for its own ends. ``propagated``: ``body_exception`` had left an inner lifecycle of the
 * trace, where it counts as an error. ``released_by`` is the task that released it; null: ``task`` did.
 * ``loop`` is the number of the event loop in its process, ``thread`` the name of the thread in which ``task`` began;
 * null: not known.
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
  status: number | null;
  internal: boolean;
  propagated: boolean;
  released_by: TaskRef | null;
  loop: number | null;
  thread: string | null;
}

/**
 * The facts about a resource that each of its lifecycles carries.
 *
 * ``kind`` is the qualified name of its type. ``name`` is empty for a resource without a name. ``capacity`` is how
 * many lifecycles can hold it at once; null: no limit is known. ``stereotype`` is the participant's form in UML:
 * "participant", "control", "database" or "queue".
 */
export interface ResourceRef {
  id: string;
  kind: string;
  name: string;
  capacity: number | null;
  stereotype: string;
}

/**
 * An exception, without its traceback.
 *
 * ``canceller``: of a cancellation, or of the exception that a timeout raised for one; null: not known, or no
 * cancellation. The message of an exception group ends with what is in it: "many (3 sub-exceptions): ValueError: bad,
 * 2 KeyError".
 */
export interface ExceptionInfo {
  type: string;
  message: string;
  canceller: Canceller | null;
}

/**
 * What requested a cancellation, as far as it is known.
 *
 * ``task`` requested it, or failed, so that its task group requested it; null: not known. ``via`` names the cause, for
 * example "TaskGroup", "timeout 0.5 s", "end of asyncio.run" or "SIGINT"; empty: the task called cancel() itself.
 * ``site`` is where the request was made, where the timeout was set, or where the task failed; null: not known.
 */
export interface Canceller {
  task: TaskRef | null;
  via: string;
  site: Site | null;
}

/** The lifecycle around a root, by id, with its trace. It was held for so long that the root began its own trace. */
export interface HeldAround {
  lifecycle: string;
  trace: string;
}

/**
 * Everything that the page can show.
 *
 * ``lifecycles`` are those that the diagrams refer to. ``left_out`` is how many subjects have no diagram of their own,
 * and ``lifecycles_left_out`` how many lifecycles are in no diagram, because the size of the page is limited.
 * ``remedy`` is a command that makes a page of them.
 */
export interface Archive {
  overview: Overview;
  views: View[];
  pictures: ArchivedDiagram[];
  lifecycles: Lifecycle[];
  left_out: number;
  lifecycles_left_out: number;
  remedy: string;
}

/** The diagram of a lens: ``picture`` is an index of the archive's ``pictures``. Equal diagrams are stored once. */
export interface View {
  lens: Lens;
  picture: number;
}

/** A diagram as steps and as Mermaid text. ``earlier`` and ``internal``: as in ``steps.Diagram``. */
export interface ArchivedDiagram {
  steps: Step[];
  earlier: number;
  mermaid: string;
  open: OpenCounts;
  internal: number;
}
