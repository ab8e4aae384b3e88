import { useSignal } from "@preact/signals";
import { formatTicking } from "../../model/durations.ts";
import { siteLabel } from "../../model/labels.ts";
import type { ShownUse } from "../../model/recent_uses.ts";
import { isNarrow } from "../narrow.ts";
import { useStore } from "./context.ts";

const MAX_SHOWN = 2;
const TIME_LENGTH = 4; // characters
const COUNT_LENGTH = 6; // of "+3"

interface Props {
  readonly uses: readonly ShownUse[];
  readonly kind: "holders" | "waiters";
  readonly total: number; // of the present ones, of which the collector lists some hundreds
  readonly room: number; // characters of two names together, and of what stands beside them
}

/** The tasks that hold a resource or wait for it, and for how long. Those that have just ended are faint. */
export function UseList({ uses, kind, total, room }: Props) {
  const store = useStore();
  store.second.value;
  const isExpanded = useSignal(false);
  const now = store.nowNs();
  const names = uses
    .slice(0, MAX_SHOWN)
    .reduce(
      (sum, { use, isOver }) => sum + use.task.name.length + (isOver ? 0 : TIME_LENGTH),
      uses.length > MAX_SHOWN ? COUNT_LENGTH : 0,
    );
  const shown = isNarrow.value || names > room ? 1 : MAX_SHOWN;
  const listed = isExpanded.value ? uses : uses.slice(0, shown);
  const others = total - uses.slice(0, shown).filter(({ isOver }) => !isOver).length;
  const unlisted = total - uses.filter(({ isOver }) => !isOver).length;
  return (
    <span class={`tn-uses tn-${kind} ${isExpanded.value ? "tn-expanded" : ""}`}>
      {listed.map(({ use, isOver }) => (
        <button
          type="button"
          key={use.lifecycle}
          class={isOver ? "tn-use tn-ended" : "tn-use"}
          title={`${isOver ? "just ended: " : ""}${use.task.name}, ${siteLabel(use.site)} ${use.site.expression}`}
          onClick={() => store.choose({ kind: "task", id: use.task.id })}
        >
          <span class="tn-name">{use.task.name}</span>
          {!isOver && now - use.since_ns >= 1e9 && <span class="tn-since">{formatTicking(now - use.since_ns)}</span>}
        </button>
      ))}
      {isExpanded.value && unlisted > 0 && <span class="tn-muted">and {unlisted.toLocaleString("en")} more</span>}
      {others > 0 && (
        <button
          type="button"
          class="tn-more-uses tn-muted"
          aria-expanded={isExpanded.value}
          aria-label={isExpanded.value ? "Show fewer" : `Show ${others} more`}
          title={isExpanded.value ? "" : uses.map(({ use }) => use.task.name).join("\n")}
          onClick={() => {
            isExpanded.value = !isExpanded.value;
          }}
        >
          {isExpanded.value ? "fewer" : `+${others.toLocaleString("en")}`}
        </button>
      )}
    </span>
  );
}
