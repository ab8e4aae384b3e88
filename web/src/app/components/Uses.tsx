import { useSignal } from "@preact/signals";
import { formatTicking } from "../../model/durations.ts";
import { siteLabel } from "../../model/labels.ts";
import type { ShownUse } from "../../model/lingering.ts";
import { isNarrow } from "../narrow.ts";
import { useStore } from "./context.ts";

const SHOWN = 2;

interface Props {
  readonly uses: readonly ShownUse[];
  readonly kind: "holders" | "waiters";
  readonly room: number; // characters that two names may have together, and what stands beside them
}

/** Those who hold a resource, or wait for it, by name and since when; faint, those who did a moment ago. */
export function Uses({ uses, kind, room }: Props) {
  const store = useStore();
  store.second.value;
  const isWhole = useSignal(false);
  const now = store.nowNs();
  const names = uses
    .slice(0, SHOWN)
    .reduce((sum, { use, isOver }) => sum + use.task.name.length + (isOver ? 0 : 4), uses.length > SHOWN ? 6 : 0);
  const shown = isNarrow.value || names > room ? 1 : SHOWN;
  const others = uses.slice(shown).filter(({ isOver }) => !isOver).length;
  return (
    <span class={`uses ${kind} ${isWhole.value ? "whole" : ""}`}>
      {(isWhole.value ? uses : uses.slice(0, shown)).map(({ use, isOver }) => (
        <button
          type="button"
          key={use.lifecycle}
          class={isOver ? "use over" : "use"}
          title={`${isOver ? "just ended: " : ""}${use.task.name}, ${siteLabel(use.site)} ${use.site.expression}`}
          onClick={() => store.choose({ kind: "task", id: use.task.id })}
        >
          <span class="name">{use.task.name}</span>
          {!isOver && now - use.since_ns >= 1e9 && <span class="since">{formatTicking(now - use.since_ns)}</span>}
        </button>
      ))}
      {others > 0 && (
        <button
          type="button"
          class="others muted"
          aria-expanded={isWhole.value}
          aria-label={isWhole.value ? "Show fewer" : `Show ${others} more`}
          title={isWhole.value ? "" : uses.map(({ use }) => use.task.name).join("\n")}
          onClick={() => {
            isWhole.value = !isWhole.value;
          }}
        >
          {isWhole.value ? "fewer" : `+${others}`}
        </button>
      )}
    </span>
  );
}
