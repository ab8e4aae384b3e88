import { useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { formatDuration, formatTicking } from "../../model/durations.ts";
import { resourceLabel } from "../../model/labels.ts";
import { isServerError } from "../../model/statuses.ts";
import type { Canceller, ExceptionInfo, Lifecycle, Outcome, Site } from "../../schema/messages.ts";
import { SourceError } from "../source.ts";
import { useStore } from "./context.ts";

/** Everything about the chosen step's lifecycle. */
export function Details({ close }: { close: () => void }) {
  const store = useStore();
  const lifecycle = useSignal<Lifecycle | null>(null);
  const failure = useSignal<string | null>(null);

  useSignalEffect(() => {
    const step = store.chosen.value;
    const id = step && "lifecycle" in step ? step.lifecycle : null;
    const at = id === null ? null : store.acquireNs(id);
    failure.value = null;
    if (lifecycle.peek()?.id !== id) lifecycle.value = null;
    if (id === null || at === null) return;
    let isCurrent = true;
    store.source.lifecycle(id, at).then(
      (answer) => {
        if (!isCurrent) return;
        lifecycle.value = answer;
        failure.value = answer ? null : "The collector no longer has this lifecycle.";
      },
      (error: unknown) => {
        if (isCurrent) failure.value = error instanceof SourceError ? error.message : "The collector does not answer.";
      },
    );
    return () => {
      isCurrent = false;
    };
  });

  const step = store.chosen.value;
  if (!step) return null;
  const text = step.step === "message" ? step.label : step.step === "note" ? step.text : "";
  return (
    <aside class="tn-details" aria-label="Details of the selected step">
      <button type="button" class="tn-button tn-close" aria-label="Close details" onClick={close}>
        ✕
      </button>
      <h3>{text}</h3>
      {lifecycle.value && <Facts lifecycle={lifecycle.value} />}
      {failure.value && <p class="tn-problem">{failure.value}</p>}
    </aside>
  );
}

function Facts({ lifecycle }: { lifecycle: Lifecycle }) {
  const store = useStore();
  if (lifecycle.phase !== "closed") store.second.value;
  const { site, task, resource, phase, status } = lifecycle;
  return (
    <dl>
      <Fact name="Resource">
        <button type="button" class="tn-link" onClick={() => store.choose({ kind: "resource", id: resource.id })}>
          {resourceLabel(resource)}
        </button>
        <div class="tn-muted">{resource.kind}</div>
      </Fact>
      <Fact name="Task">
        <button type="button" class="tn-link" onClick={() => store.choose({ kind: "task", id: task.id })}>
          {task.name}
        </button>
      </Fact>
      <SiteFact site={site} />
      {status !== null && (
        <Fact name="Status">
          <span class={isServerError(status) ? "tn-outcome tn-error" : "tn-duration"}>{status}</span>
        </Fact>
      )}
      <Timings lifecycle={lifecycle} />
      {phase === "abandoned" && <Fact name="State">abandoned: the process ended while this lifecycle was open</Fact>}
      <ExceptionFact name="Exception in the block" exception={lifecycle.body_exception} />
      <ExceptionFact name="Exception of enter or exit" exception={lifecycle.raised} />
      {lifecycle.suppressed && <Fact name="Suppressed">the exit suppressed the exception</Fact>}
      <Fact name="Trace">
        <button type="button" class="tn-link" onClick={() => store.choose({ kind: "trace", id: lifecycle.trace })}>
          show the whole trace
        </button>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A span may name its function only, or no site at all. */
function SiteFact({ site }: { site: Site }) {
  if (!site.file && !site.function) return null;
  return (
    <Fact name="Site">
      {site.file && <code>{site.line > 0 ? `${site.file}:${site.line}` : site.file}</code>}
      {site.function && <div class="tn-muted">in {site.function}</div>}
      {site.expression && <code class="tn-expression">{site.expression}</code>}
    </Fact>
  );
}

/** A lifecycle without an exit call, such as a span, has one duration and no phases. The diagram draws it alike. */
function Timings({ lifecycle }: { lifecycle: Lifecycle }) {
  const { acquire_ns, acquired_ns, release_ns, released_ns, acquire_outcome, body_outcome } = lifecycle;
  if (lifecycle.site.exit === "") {
    const outcome = acquire_outcome === "ok" ? body_outcome : acquire_outcome;
    return <Timing name="Duration" from={acquire_ns} to={released_ns} outcome={outcome} />;
  }
  return (
    <>
      <Timing name="Wait" from={acquire_ns} to={acquired_ns ?? released_ns} outcome={acquire_outcome} />
      {acquired_ns !== null && <Timing name="Hold" from={acquired_ns} to={release_ns} outcome={body_outcome} />}
      {release_ns !== null && (
        <Timing name="Release" from={release_ns} to={released_ns} outcome={lifecycle.release_outcome} />
      )}
    </>
  );
}

function Timing(props: { name: string; from: number; to: number | null; outcome: Outcome | null }) {
  const store = useStore();
  const { name, from, to, outcome } = props;
  const duration = to === null ? `${formatTicking(store.nowNs() - from)} so far` : formatDuration(to - from);
  return (
    <Fact name={name}>
      <span class="tn-duration">{duration}</span>
      {outcome && outcome !== "ok" && <span class={`tn-outcome tn-${outcome}`}>{outcome}</span>}
    </Fact>
  );
}

function ExceptionFact({ name, exception }: { name: string; exception: ExceptionInfo | null }) {
  if (!exception) return null;
  return (
    <Fact name={name}>
      <code class="tn-exception">{exception.type}</code>
      {exception.message && <div class="tn-exception-message">{exception.message}</div>}
      {exception.canceller && <CancelledBy canceller={exception.canceller} />}
    </Fact>
  );
}

function CancelledBy({ canceller: { task, via, site } }: { canceller: Canceller }) {
  const store = useStore();
  const taskLink = task && (
    <button type="button" class="tn-link" onClick={() => store.choose({ kind: "task", id: task.id })}>
      {task.name}
    </button>
  );
  return (
    <div class="tn-canceller">
      cancelled by {/^(end of|event loop)/.test(via) && "the "}
      {via}
      {via && taskLink && ": "}
      {taskLink ?? (via ? "" : "a call")}
      {via && taskLink && " failed"}
      {site && (
        <div>
          <code>
            {site.file}:{site.line}
          </code>
          {site.function && <span class="tn-muted"> in {site.function}</span>}
        </div>
      )}
    </div>
  );
}
