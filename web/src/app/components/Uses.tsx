import { formatTicking } from "../../model/durations.ts";
import { siteLabel } from "../../model/labels.ts";
import type { Use } from "../../schema/messages.ts";
import { useStore } from "./context.ts";

const SHOWN = 3;

/** Those who hold a resource, or wait for it, by name and since when. */
export function Uses({ uses, kind }: { uses: readonly Use[]; kind: "holders" | "waiters" }) {
  const store = useStore();
  store.second.value;
  const now = store.nowNs();
  return (
    <span class={`uses ${kind}`}>
      {uses.slice(0, SHOWN).map((use) => (
        <button
          type="button"
          key={use.lifecycle}
          class="use"
          title={`${use.task.name}, ${siteLabel(use.site)} ${use.site.expression}`}
          onClick={() => store.choose({ kind: "task", id: use.task.id })}
        >
          <span class="name">{use.task.name}</span>
          <span class="since">{formatTicking(now - use.since_ns)}</span>
        </button>
      ))}
      {uses.length > SHOWN && <span class="muted">+{uses.length - SHOWN}</span>}
    </span>
  );
}
