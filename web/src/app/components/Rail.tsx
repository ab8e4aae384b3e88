import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatDuration, formatTicking } from "../../model/durations.ts";
import { formatStart } from "../../model/instants.ts";
import { processLabel, processState, skewLabel } from "../../model/labels.ts";
import { byService, type ServiceGroup } from "../../model/services.ts";
import { hasFailed } from "../../model/statuses.ts";
import type { Process, Trace } from "../../schema/messages.ts";
import { useStore } from "./context.ts";
import { moveFocus } from "./move_focus.ts";

const SHOWN_PROCESSES = 3;

type Filter = "all" | "open" | "failed";

const FILTERS: Record<Filter, (trace: Trace) => boolean> = {
  all: () => true,
  open: (trace) => trace.end_ns === null,
  failed: hasFailed,
};

/** The subjects to choose from: everything, a process, one of its recent traces. */
export function Rail({ close }: { close: () => void }) {
  const store = useStore();
  const overview = store.overview.value;
  // A list that moves is hard to click: it stands still while the pointer is over it.
  const isPaused = useSignal(false);
  const filter = useSignal<Filter>("all");
  const latestShown = useRef(overview);
  if (!isPaused.value || latestShown.current === null) latestShown.current = overview;
  const shown = latestShown.current;
  const newer = overview && shown ? countNewer(overview.traces, shown.traces) : 0;
  const { kind } = store.choice.value.subject;
  const connection = store.connection.value;
  return (
    <nav
      id="rail"
      class="tn-rail"
      aria-label="Processes and traces"
      onKeyDown={(event) => (event.key === "Escape" ? close() : moveFocus(event))}
      onPointerEnter={() => {
        isPaused.value = true;
      }}
      onPointerLeave={() => {
        isPaused.value = false;
      }}
    >
      {(connection.kind !== "recorded" || connection.hasEverything) && (
        <button
          type="button"
          data-item
          class="tn-everything"
          aria-current={kind === "now"}
          onClick={() => store.choose({ kind: "now", id: "" })}
        >
          {connection.kind === "recorded" ? "Everything" : "Everything now"}
          {isPaused.value && newer > 0 && <span class="tn-newer">{newer} newer</span>}
        </button>
      )}
      <fieldset class="tn-filter" aria-label="Filter of traces">
        {(Object.keys(FILTERS) as Filter[]).map((name) => (
          <button
            type="button"
            key={name}
            aria-pressed={filter.value === name}
            onClick={() => {
              filter.value = name;
            }}
          >
            {name}
          </button>
        ))}
      </fieldset>
      {shown &&
        byService(shown.processes, shown.traces.filter(FILTERS[filter.value])).map((group) => (
          <Service key={group.service} group={group} />
        ))}
      {connection.kind === "recorded" && connection.lifecyclesLeftOut > 0 && (
        <p class="tn-muted tn-left-out">
          {connection.lifecyclesLeftOut.toLocaleString("en")} lifecycles are not in this page
          {connection.remedy && (
            <>
              : <code>{connection.remedy}</code>
            </>
          )}
        </p>
      )}
      {connection.kind === "recorded" && connection.leftOut > 0 && (
        <p class="tn-muted tn-left-out">
          {connection.leftOut.toLocaleString("en")} more traces, tasks or resources have no diagram in this page (export
          a single trace with --trace)
        </p>
      )}
    </nav>
  );
}

function Service({ group }: { group: ServiceGroup }) {
  const others = group.processes.length - SHOWN_PROCESSES;
  return (
    <section>
      <h2>{group.service || "unnamed service"}</h2>
      {group.processes.slice(0, SHOWN_PROCESSES).map((process) => (
        <ProcessItem key={process.id} process={process} />
      ))}
      {others > 0 && <p class="tn-muted">and {others} more</p>}
      <ul>
        {group.traces.map((trace) => (
          <TraceItem key={trace.id} trace={trace} />
        ))}
      </ul>
      {group.traces.length === 0 && <p class="tn-muted">no recent traces</p>}
    </section>
  );
}

function ProcessItem({ process }: { process: Process }) {
  const store = useStore();
  store.second.value;
  const { subject } = store.choice.value;
  const runtime = process.python ? `Python ${process.python}` : "OpenTelemetry";
  const ended = process.alive ? "" : `ended ${formatTicking(store.nowNs() - process.last_seen_ns)} ago`;
  const started = process.started_ns > 0 ? `since ${formatStart(process.started_ns, store.nowNs())}` : runtime;
  const skew = skewLabel(process);
  return (
    <button
      type="button"
      data-item
      class={`tn-process ${process.alive ? "tn-alive" : "tn-ended"}`}
      aria-current={subject.kind === "process" && subject.id === process.id}
      title={[processState(process, store.nowNs()), process.host, runtime].filter(Boolean).join(", ")}
      onClick={() => store.choose({ kind: "process", id: process.id })}
    >
      <i class="tn-dot" aria-hidden="true" />
      <span class="tn-name">{processLabel(process)}</span>
      <span class="tn-muted">{ended || started}</span>
      {skew && (
        <span
          class="tn-skew"
          title={`The clock of this process is ${skew} of the collector's clock. Its times are shown unchanged.`}
        >
          clock {skew}
        </span>
      )}
    </button>
  );
}

function TraceItem({ trace }: { trace: Trace }) {
  const store = useStore();
  store.second.value;
  const { subject } = store.choice.value;
  const isOpen = trace.end_ns === null;
  const now = store.nowNs();
  const duration = isOpen ? formatTicking(now - trace.start_ns) : formatDuration((trace.end_ns ?? 0) - trace.start_ns);
  return (
    <li>
      <button
        type="button"
        data-item
        class={`tn-trace ${isOpen ? "tn-open" : ""} ${hasFailed(trace) ? "tn-failed" : ""}`}
        aria-current={subject.kind === "trace" && subject.id === trace.id}
        title={trace.name}
        onClick={() => store.choose({ kind: "trace", id: trace.id })}
      >
        <span class="tn-failure-mark" aria-hidden="true">
          {hasFailed(trace) ? "✕" : ""}
        </span>
        <span class="tn-name">
          {trace.name || "unnamed"}
          {trace.errors > 0 && <span class="tn-visually-hidden"> with {trace.errors} errors</span>}
        </span>
        {trace.status !== null && <span class="tn-status">{trace.status}</span>}
        <span class="tn-duration">{isOpen ? `open ${duration}` : duration}</span>
        {!isOpen && <time class="tn-muted">{ago(now - trace.start_ns)}</time>}
      </button>
    </li>
  );
}

function ago(ns: number): string {
  return ns < 1e9 ? "now" : formatTicking(ns).replace(/ s$|(?<= (min|h)) .*$/, (rest) => (rest === " s" ? " s" : ""));
}

/** The number of traces that began after the shown ones. */
function countNewer(traces: readonly Trace[], shown: readonly Trace[]): number {
  const latest = shown[0]?.start_ns ?? 0;
  return traces.filter((trace) => trace.start_ns > latest).length;
}
