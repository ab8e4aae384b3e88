import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import * as descriptions from "../../model/descriptions.ts";
import { SourceError } from "../source.ts";
import type { Store } from "../store.ts";
import { useStore } from "./context.ts";

const NOTICE_MS = 2500;

/** The chosen subject, its state, and the actions on its diagram. */
export function TitleLine() {
  const store = useStore();
  store.second.value;
  const { fold, grouped, internal } = store.choice.value;
  const isRecorded = store.connection.value.kind === "recorded";
  const leftOut = store.leftOut.value;
  const { name, state } = describe(store);
  const earlier = store.earlier.value;
  const connection = store.connection.value;
  const share = descriptions.drawnShare(store.open.value);
  const unfolded = store.unfolded.value.length;
  return (
    <div class="tn-title-line">
      <h2 title={name}>{name}</h2>
      {state && <span class="tn-state">{state}</span>}
      {share && <span class="tn-earlier">{share}</span>}
      {earlier > 0 && (
        <span class="tn-earlier">
          earlier: {earlier.toLocaleString("en")} lifecycles
          {connection.kind === "recorded" && connection.remedy && (
            <>
              , left out: <code>{connection.remedy}</code>
            </>
          )}
          {!isRecorded && (
            <>
              ,{" "}
              <button type="button" class="tn-link" onClick={() => store.showMore()}>
                show more
              </button>
            </>
          )}
        </span>
      )}
      {leftOut > 0 && <span class="tn-earlier">{leftOut.toLocaleString("en")} of libraries left out</span>}
      {store.problem.value && (
        <span class="tn-problem" role="alert">
          {store.problem.value}
        </span>
      )}
      <span class="tn-actions">
        {unfolded > 0 && (
          <button type="button" class="tn-button" onClick={() => store.foldAgain()}>
            fold again
          </button>
        )}
        <button type="button" class="tn-button" aria-pressed={fold} onClick={() => store.setFold(!fold)}>
          Fold repeats
        </button>
        <button type="button" class="tn-button" aria-pressed={grouped} onClick={() => store.setGrouped(!grouped)}>
          Group tasks
        </button>
        {!isRecorded && (
          <button type="button" class="tn-button" aria-pressed={internal} onClick={() => store.setInternal(!internal)}>
            Library internals
          </button>
        )}
        <CopyButton />
      </span>
    </div>
  );
}

/** Copies the diagram as Mermaid text. If the clipboard is not allowed, the text is shown so that the reader can copy it. */
function CopyButton() {
  const store = useStore();
  const notice = useSignal<string | null>(null);
  const shownText = useSignal<string | null>(null);
  const timer = useRef(0);
  const notify = (text: string) => {
    notice.value = text;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      notice.value = null;
    }, NOTICE_MS);
  };
  const copy = async () => {
    try {
      const text = await store.source.mermaid(store.lens.value, store.limit.value);
      try {
        await navigator.clipboard.writeText(text);
        notify("Copied");
      } catch {
        shownText.value = text;
      }
    } catch (error) {
      notify(error instanceof SourceError ? error.message : "The collector does not answer");
    }
  };
  return (
    <>
      <button type="button" class="tn-button" onClick={() => void copy()}>
        {notice.value ?? "Copy as Mermaid"}
      </button>
      <span class="tn-visually-hidden" role="status">
        {notice.value}
      </span>
      {shownText.value !== null && (
        <div class="tn-copy-text" role="dialog" aria-label="Mermaid text">
          <textarea
            readonly
            rows={12}
            value={shownText.value}
            ref={(area) => area?.select()}
            onKeyDown={(event) => {
              if (event.key === "Escape") shownText.value = null;
            }}
          />
          <button
            type="button"
            class="tn-button"
            onClick={() => {
              shownText.value = null;
            }}
          >
            Close
          </button>
        </div>
      )}
    </>
  );
}

function describe(store: Store): descriptions.Description {
  const { kind, id } = store.choice.value.subject;
  const overview = store.overview.value;
  const steps = store.diagram.value?.steps ?? [];
  switch (kind) {
    case "now":
      return descriptions.describeNow(store.open.value, store.connection.value.kind === "recorded");
    case "process":
      return descriptions.describeProcess(id, overview, store.nowNs());
    case "trace": {
      const isRecent = overview?.traces.some((trace) => trace.id === id) ?? false;
      return descriptions.describeTrace(id, store.trace.value, isRecent, steps, store.nowNs());
    }
    case "resource": {
      const resource = overview?.resources.find((candidate) => candidate.id === id);
      return descriptions.describeResource(id, resource, steps);
    }
    case "task":
      return descriptions.describeTask(id, steps);
  }
}
