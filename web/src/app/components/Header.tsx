import { formatInstant } from "../../model/instants.ts";
import { droppedByReason } from "../../model/services.ts";
import type { Connection } from "../source.ts";
import { nextTheme, theme } from "../theme.ts";
import { useStore } from "./context.ts";
import { Exporters } from "./Exporters.tsx";

export function Header({ isRailOpen, toggleRail }: { isRailOpen: boolean; toggleRail: () => void }) {
  const store = useStore();
  return (
    <header>
      <button type="button" class="tn-rail-button" aria-expanded={isRailOpen} aria-controls="rail" onClick={toggleRail}>
        Traces
      </button>
      <h1>Tenure</h1>
      <span class="tn-purpose">what is held, by whom, and who waits</span>
      <ConnectionState state={store.connection.value} />
      <Exporters />
      <Dropped />
      <button
        type="button"
        class="tn-button"
        onClick={nextTheme}
        title="Switch between light, dark and the system's setting"
      >
        Theme: {theme.value}
      </button>
      <LogOut />
    </header>
  );
}

/** Shown when the page has a session. The collector marks that on the root element. */
function LogOut() {
  if (document.documentElement.dataset.session === undefined) return null;
  return (
    <form method="post" action="./logout">
      <button type="submit" class="tn-button" title="End the session of this browser">
        Log out
      </button>
    </form>
  );
}

const STATE_TEXTS: Record<Connection["kind"], string> = {
  connecting: "connecting…",
  live: "live",
  gone: "collector does not answer, retrying",
  refused: "refused",
  recorded: "recorded",
};

function ConnectionState({ state }: { state: Connection }) {
  const recordedNs = useStore().overview.value?.now_ns ?? 0;
  const text =
    state.kind === "refused"
      ? state.reason
      : state.kind === "recorded"
        ? `recorded ${formatInstant(recordedNs)}`
        : STATE_TEXTS[state.kind];
  return (
    <span class={`tn-connection tn-${state.kind}`} role="status" title={text}>
      <i class="tn-dot" aria-hidden="true" />
      {text}
    </span>
  );
}

/** Lifecycles that the tracers dropped. Always shown, because their steps are missing in the diagram. */
function Dropped() {
  const reasons = [...droppedByReason(useStore().overview.value?.processes ?? [])];
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  const title = reasons.map(([reason, count]) => `${reason}: ${count}`).join("\n");
  return (
    <span
      class={total > 0 ? "tn-dropped tn-nonzero" : "tn-dropped"}
      title={title || "The tracers dropped no lifecycles"}
    >
      {total.toLocaleString("en")} dropped
    </span>
  );
}
