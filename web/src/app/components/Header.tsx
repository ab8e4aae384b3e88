import { formatInstant } from "../../model/instants.ts";
import { droppedByReason } from "../../model/rail.ts";
import type { Connection } from "../source.ts";
import { nextTheme, theme } from "../theme.ts";
import { useStore } from "./context.ts";
import { Exporters } from "./Exporters.tsx";

export function Header({ isRailOpen, toggleRail }: { isRailOpen: boolean; toggleRail: () => void }) {
  const store = useStore();
  return (
    <header>
      <button type="button" class="rail-button" aria-expanded={isRailOpen} aria-controls="rail" onClick={toggleRail}>
        Traces
      </button>
      <h1>Tenure</h1>
      <span class="purpose">what is held, by whom, and who waits</span>
      <ConnectionState state={store.connection.value} />
      <Exporters />
      <Dropped />
      <button
        type="button"
        class="quiet"
        onClick={nextTheme}
        title="Switch between light, dark and the system's setting"
      >
        Theme: {theme.value}
      </button>
      <LogOut />
    </header>
  );
}

/** Where the page was opened with a session, which the collector says on its root element. */
function LogOut() {
  if (document.documentElement.dataset.session === undefined) return null;
  return (
    <form method="post" action="./logout">
      <button type="submit" class="quiet" title="End the session of this browser">
        Log out
      </button>
    </form>
  );
}

const WORDS: Record<Connection["kind"], string> = {
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
        : WORDS[state.kind];
  return (
    <span class={`connection ${state.kind}`} role="status" title={text}>
      <i class="dot" aria-hidden="true" />
      {text}
    </span>
  );
}

/** Lifecycles that the tracers had no room for, always in sight: a picture with holes must say so. */
function Dropped() {
  const reasons = [...droppedByReason(useStore().overview.value?.processes ?? [])];
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  const title = reasons.map(([reason, count]) => `${reason}: ${count}`).join("\n");
  return (
    <span class={total > 0 ? "dropped some" : "dropped"} title={title || "The tracers dropped no lifecycles"}>
      {total.toLocaleString("en")} dropped
    </span>
  );
}
