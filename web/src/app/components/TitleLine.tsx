import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatDuration, formatTicking } from "../../model/durations.ts";
import { resourceLabel } from "../../model/labels.ts";
import type { Overview, Participant, Step } from "../../schema/messages.ts";
import { ApiError, mermaidText } from "../api.ts";
import type { Subject } from "../subject.ts";
import { useStore } from "./context.ts";

/** What the diagram shows, how it stands, and what can be done with it. */
export function TitleLine() {
  const store = useStore();
  store.second.value;
  const { subject, fold, grouped } = store.choice.value;
  const { name, state } = describe(subject, store.overview.value, store.picture.value?.steps ?? [], store.nowNs());
  const earlier = store.earlier.value;
  const opened = store.opened.value.length;
  return (
    <div class="title-line">
      <h2 title={name}>{name}</h2>
      {state && <span class="state">{state}</span>}
      {earlier > 0 && (
        <span class="earlier">
          earlier: {earlier.toLocaleString("en")} lifecycles,{" "}
          <button type="button" class="link" onClick={() => store.showMore()}>
            show more
          </button>
        </span>
      )}
      {store.problem.value && (
        <span class="problem" role="alert">
          {store.problem.value}
        </span>
      )}
      <span class="actions">
        {opened > 0 && (
          <button type="button" class="quiet" onClick={() => store.closeFolds()}>
            fold again
          </button>
        )}
        <button type="button" class="quiet" aria-pressed={fold} onClick={() => store.setFold(!fold)}>
          Fold repeats
        </button>
        <button type="button" class="quiet" aria-pressed={grouped} onClick={() => store.setGrouped(!grouped)}>
          Group tasks
        </button>
        <CopyButton />
      </span>
    </div>
  );
}

/** Copies the picture as Mermaid; where the clipboard is not allowed, the text stands there to be copied by hand. */
function CopyButton() {
  const store = useStore();
  const said = useSignal<string | null>(null);
  const byHand = useSignal<string | null>(null);
  const reset = useRef(0);
  const say = (text: string) => {
    said.value = text;
    clearTimeout(reset.current);
    reset.current = window.setTimeout(() => {
      said.value = null;
    }, 2500);
  };
  const copy = async () => {
    try {
      const text = await mermaidText(store.lens.value, store.limit.value);
      try {
        await navigator.clipboard.writeText(text);
        say("Copied");
      } catch {
        byHand.value = text;
      }
    } catch (error) {
      say(error instanceof ApiError ? error.message : "The collector cannot be reached");
    }
  };
  return (
    <>
      <button type="button" class="quiet" onClick={() => void copy()}>
        {said.value ?? "Copy as Mermaid"}
      </button>
      <span class="unseen" role="status">
        {said.value}
      </span>
      {byHand.value !== null && (
        <div class="by-hand" role="dialog" aria-label="Mermaid text">
          <textarea
            readonly
            rows={12}
            value={byHand.value}
            ref={(area) => area?.select()}
            onKeyDown={(event) => {
              if (event.key === "Escape") byHand.value = null;
            }}
          />
          <button
            type="button"
            class="quiet"
            onClick={() => {
              byHand.value = null;
            }}
          >
            Close
          </button>
        </div>
      )}
    </>
  );
}

/** The subject's name and state in words. */
function describe(subject: Subject, overview: Overview | null, steps: readonly Step[], nowNs: number) {
  switch (subject.kind) {
    case "now":
      return { name: "Everything now", state: "" };
    case "process": {
      const process = overview?.processes.find(({ id }) => id === subject.id);
      if (!process) return { name: "Process", state: "" };
      return { name: `${process.service}, process ${process.pid}`, state: process.alive ? "running" : "ended" };
    }
    case "trace": {
      const trace = overview?.traces.find(({ id }) => id === subject.id);
      if (!trace) return { name: `Trace ${subject.id.slice(0, 8)}`, state: "" };
      const lasted =
        trace.end_ns === null
          ? `open for ${formatTicking(nowNs - trace.start_ns)}`
          : `closed after ${formatDuration(trace.end_ns - trace.start_ns)}`;
      const errors = trace.errors > 0 ? `, ${count(trace.errors, "error")}` : "";
      return { name: trace.name, state: `${lasted}, ${count(trace.lifecycles, "lifecycle")}${errors}` };
    }
    case "resource": {
      const resource = overview?.resources.find(({ id }) => id === subject.id);
      if (!resource) return { name: labelOf(steps, subject.id) ?? "Resource", state: "" };
      const waiting = resource.waiters.length > 0 ? `, ${resource.waiters.length} waiting` : "";
      return {
        name: resourceLabel(resource),
        state: `${resource.held + resource.releasing} held${waiting}, ${count(resource.total, "lifecycle")} so far`,
      };
    }
    case "task":
      return { name: labelOf(steps, subject.id) ?? "Task", state: "and the tasks it created" };
  }
}

function labelOf(steps: readonly Step[], ref: string): string | null {
  const isIt = (participant: Participant) => participant.ref === ref;
  for (const step of steps) {
    if ((step.step === "declare" || step.step === "create") && isIt(step.participant)) return step.participant.label;
  }
  return null;
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}
