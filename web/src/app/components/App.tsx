import { useSignal, useSignalEffect } from "@preact/signals";
import { useStore } from "./context.ts";
import { DiagramPane } from "./DiagramPane.tsx";
import { NoProcess, NothingRecorded } from "./Empty.tsx";
import { Header } from "./Header.tsx";
import { Rail } from "./Rail.tsx";
import { ResourceTable } from "./ResourceTable.tsx";

export function App() {
  const store = useStore();
  const isRailOpen = useSignal(false); // on a narrow page, where a button opens it
  useSignalEffect(() => {
    store.choice.value;
    isRailOpen.value = false;
  });
  useSignalEffect(() => {
    if (isRailOpen.value) document.querySelector<HTMLElement>("#rail [data-item]")?.focus();
  });
  const { kind } = store.connection.value;
  const isCurrent = kind === "live" || kind === "recorded";
  const overview = store.overview.value;
  const isEmpty = overview !== null && overview.processes.length === 0;
  return (
    <div class={`tn-page ${isCurrent ? "" : "tn-stale"} ${isRailOpen.value ? "tn-rail-open" : ""}`}>
      <Header
        isRailOpen={isRailOpen.value}
        toggleRail={() => {
          isRailOpen.value = !isRailOpen.value;
        }}
      />
      {isEmpty && kind === "recorded" && <NothingRecorded />}
      {isEmpty && kind !== "recorded" && <NoProcess />}
      {!isEmpty && (
        <div class="tn-body">
          <Rail
            close={() => {
              isRailOpen.value = false;
              document.querySelector<HTMLElement>(".tn-rail-button")?.focus();
            }}
          />
          <main>
            <ResourceTable />
            <DiagramPane />
          </main>
        </div>
      )}
    </div>
  );
}
