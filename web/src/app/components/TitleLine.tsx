import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import * as naming from "../../model/naming.ts";
import { SourceError } from "../source.ts";
import type { Store } from "../store.ts";
import { useStore } from "./context.ts";

/** What the diagram shows, how it stands, and what can be done with it. */
export function TitleLine() {
  const store = useStore();
  store.second.value;
  const { fold, grouped } = store.choice.value;
  const { name, state } = describe(store);
  const earlier = store.earlier.value;
  const opened = store.opened.value.length;
  return (
    <div class="title-line">
      <h2 title={name}>{name}</h2>
      {state && <span class="state">{state}</span>}
      {earlier > 0 && (
        <span class="earlier">
          earlier: {earlier.toLocaleString("en")} lifecycles
          {store.connection.value.kind !== "recorded" && (
            <>
              ,{" "}
              <button type="button" class="link" onClick={() => store.showMore()}>
                show more
              </button>
            </>
          )}
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
      const text = await store.source.mermaid(store.lens.value, store.limit.value);
      try {
        await navigator.clipboard.writeText(text);
        say("Copied");
      } catch {
        byHand.value = text;
      }
    } catch (error) {
      say(error instanceof SourceError ? error.message : "The collector does not answer");
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

function describe(store: Store): naming.Description {
  const { kind, id } = store.choice.value.subject;
  const overview = store.overview.value;
  const steps = store.picture.value?.steps ?? [];
  switch (kind) {
    case "now":
      return naming.describeNow(overview, store.connection.value.kind === "recorded");
    case "process":
      return naming.describeProcess(id, overview);
    case "trace": {
      const isRecent = overview?.traces.some((trace) => trace.id === id) ?? false;
      return naming.describeTrace(id, store.trace.value, isRecent, steps, store.nowNs());
    }
    case "resource": {
      const resource = overview?.resources.find((one) => one.id === id);
      return naming.describeResource(id, resource, steps);
    }
    case "task":
      return naming.describeTask(id, steps);
  }
}
