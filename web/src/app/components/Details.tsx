import { useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { formatDuration, formatTicking } from "../../model/durations.ts";
import { resourceLabel } from "../../model/labels.ts";
import type { Canceller, ExceptionInfo, Lifecycle, Outcome, Site } from "../../schema/messages.ts";
import { SourceError } from "../source.ts";
import { useStore } from "./context.ts";

/** All that is known of the chosen step's lifecycle. */
export function Details({ close }: { close: () => void }) {
  const store = useStore();
  const found = useSignal<Lifecycle | null>(null);
  const failure = useSignal<string | null>(null);

  useSignalEffect(() => {
    const step = store.chosen.value;
    const id = step && "lifecycle" in step ? step.lifecycle : null;
    const at = id === null ? null : store.acquireNs(id);
    failure.value = null;
    if (found.peek()?.id !== id) found.value = null;
    if (id === null || at === null) return;
    let isCurrent = true;
    store.source.lifecycle(id, at).then(
      (answer) => {
        if (!isCurrent) return;
        found.value = answer;
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
    <aside class="details" aria-label="Details of the selected step">
      <button type="button" class="quiet close" aria-label="Close details" onClick={close}>
        ✕
      </button>
      <h3>{text}</h3>
      {found.value && <Facts of={found.value} />}
      {failure.value && <p class="problem">{failure.value}</p>}
    </aside>
  );
}

function Facts({ of }: { of: Lifecycle }) {
  const store = useStore();
  if (of.phase !== "closed") store.second.value;
  const { site, task, resource } = of;
  return (
    <dl>
      <Fact name="Resource">
        <button type="button" class="link" onClick={() => store.choose({ kind: "resource", id: resource.id })}>
          {resourceLabel(resource)}
        </button>
        <div class="muted">{resource.kind}</div>
      </Fact>
      <Fact name="Task">
        <button type="button" class="link" onClick={() => store.choose({ kind: "task", id: task.id })}>
          {task.name}
        </button>
      </Fact>
      <Where site={site} />
      <Timings of={of} />
      {of.phase === "abandoned" && <Fact name="State">abandoned: the process ended while this lifecycle was open</Fact>}
      <Raised name="Exception in the block" exception={of.body_exception} />
      <Raised name="Exception of enter or exit" exception={of.raised} />
      {of.suppressed && <Fact name="Suppressed">the exit suppressed the exception</Fact>}
      <Fact name="Trace">
        <button type="button" class="link" onClick={() => store.choose({ kind: "trace", id: of.trace })}>
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

/** A span of a service may tell of its function alone, or of nothing. */
function Where({ site }: { site: Site }) {
  if (!site.file && !site.function) return null;
  return (
    <Fact name="Site">
      {site.file && <code>{site.line > 0 ? `${site.file}:${site.line}` : site.file}</code>}
      {site.function && <div class="muted">in {site.function}</div>}
      {site.expression && <code class="expression">{site.expression}</code>}
    </Fact>
  );
}

/** What has no exit is one call, as the diagram draws it: nobody told of its phases. */
function Timings({ of }: { of: Lifecycle }) {
  if (of.site.exit === "") {
    const outcome = of.acquire_outcome === "ok" ? of.body_outcome : of.acquire_outcome;
    return <Timing name="Duration" from={of.acquire_ns} to={of.released_ns} outcome={outcome} />;
  }
  return (
    <>
      <Timing name="Wait" from={of.acquire_ns} to={of.acquired_ns ?? of.released_ns} outcome={of.acquire_outcome} />
      {of.acquired_ns !== null && (
        <Timing name="Hold" from={of.acquired_ns} to={of.release_ns} outcome={of.body_outcome} />
      )}
      {of.release_ns !== null && (
        <Timing name="Release" from={of.release_ns} to={of.released_ns} outcome={of.release_outcome} />
      )}
    </>
  );
}

function Timing(props: { name: string; from: number; to: number | null; outcome: Outcome | null }) {
  const store = useStore();
  const { name, from, to, outcome } = props;
  const lasted = to === null ? `${formatTicking(store.nowNs() - from)} so far` : formatDuration(to - from);
  return (
    <Fact name={name}>
      <span class="lasted">{lasted}</span>
      {outcome && outcome !== "ok" && <span class={`outcome ${outcome}`}>{outcome}</span>}
    </Fact>
  );
}

function Raised({ name, exception }: { name: string; exception: ExceptionInfo | null }) {
  if (!exception) return null;
  return (
    <Fact name={name}>
      <code class="exception">{exception.type}</code>
      {exception.message && <div class="said">{exception.message}</div>}
      {exception.canceller && <CancelledBy canceller={exception.canceller} />}
    </Fact>
  );
}

function CancelledBy({ canceller: { task, via, site } }: { canceller: Canceller }) {
  const store = useStore();
  const who = task && (
    <button type="button" class="link" onClick={() => store.choose({ kind: "task", id: task.id })}>
      {task.name}
    </button>
  );
  return (
    <div class="canceller">
      cancelled by {via}
      {via && who && " as "}
      {who ?? (via ? "" : "a call")}
      {via && who && " failed"}
      {site && (
        <div>
          <code>
            {site.file}:{site.line}
          </code>
          {site.function && <span class="muted"> in {site.function}</span>}
        </div>
      )}
    </div>
  );
}
