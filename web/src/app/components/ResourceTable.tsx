import { useSignal } from "@preact/signals";
import { formatPercentile } from "../../model/durations.ts";
import { processLabel, resourceLabel } from "../../model/labels.ts";
import type { Process, Resource } from "../../schema/messages.ts";
import { isNarrow } from "../narrow.ts";
import { useStore } from "./context.ts";
import { Glyph } from "./Glyph.tsx";
import { moveFocus } from "./move_focus.ts";
import { UseList } from "./UseList.tsx";

const SHOWN = 6; // resources, before "show all"
const SHORT = 22; // characters; shorter labels leave more room for holders and waiters
const MAX_SLOTS = 12; // a greater capacity is a number only

/** The resources: what is held, by which tasks, and which tasks wait. */
export function ResourceTable() {
  const store = useStore();
  const showsAll = useSignal(false);
  const overview = store.overview.value;
  if (!overview || overview.resources.length === 0) return null;
  const processes = new Map(overview.processes.map((process) => [process.id, process]));
  const isOver = (resource: Resource) => processes.get(resource.process)?.alive === false;
  const sorted = store.ranking.sort(overview.resources, overview.now_ns);
  const ranked = [...sorted.filter((resource) => !isOver(resource)), ...sorted.filter(isOver)];
  const shown = showsAll.value ? ranked : ranked.slice(0, SHOWN);
  const isRecorded = store.connection.value.kind === "recorded"; // then every process has ended
  const showsProcess = overview.processes.filter(({ alive }) => alive || isRecorded).length > 1;
  const showsEnd = (resource: Resource) => !isRecorded && isOver(resource);
  const unlisted = (overview.in_use ?? 0) - ranked.filter(({ holders, waiters }) => holders[0] || waiters[0]).length;
  const hasFailed = shown.some((resource) => resource.failed > 0);
  const longest = Math.max(...ranked.map((resource) => resourceLabel(resource).length)) + (showsProcess ? 14 : 0);
  return (
    <section class="tn-resources" aria-label="Resources">
      <table onKeyDown={moveFocus}>
        <thead>
          <tr>
            <th scope="col" style={{ width: `calc(${0.72 * Math.min(longest, isNarrow.value ? 20 : 28)}em + 44px)` }}>
              Resource
            </th>
            <th scope="col">Held</th>
            <th scope="col">By</th>
            <th scope="col">Waiting</th>
            <th scope="col" class="tn-number" title="95 % of acquires waited at most this long">
              Wait p95
            </th>
            <th scope="col" class="tn-number" title="95 % of holds took at most this long">
              Hold p95
            </th>
            {hasFailed && (
              <th scope="col" class="tn-number" title="Lifecycles with a phase that failed">
                Failed
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map((resource) => (
            <ResourceRow
              key={resource.id}
              resource={resource}
              process={showsProcess || showsEnd(resource) ? processes.get(resource.process) : undefined}
              hasFailed={hasFailed}
              room={longest > SHORT ? 24 : 28}
            />
          ))}
        </tbody>
      </table>
      {ranked.length > SHOWN && (
        <button
          type="button"
          class="tn-button tn-show-all"
          aria-expanded={showsAll.value}
          onClick={() => {
            showsAll.value = !showsAll.value;
          }}
        >
          {showsAll.value ? "show fewer" : `show all ${ranked.length} resources`}
        </button>
      )}
      {unlisted > 0 && <span class="tn-muted">and {unlisted.toLocaleString("en")} more in use</span>}
    </section>
  );
}

function ResourceRow(props: { resource: Resource; process: Process | undefined; hasFailed: boolean; room: number }) {
  const { resource, process, hasFailed, room } = props;
  const store = useStore();
  const { subject } = store.choice.value;
  const now = store.overview.value?.now_ns ?? 0;
  const holders = store.recentUses.of(resource, "holders", now);
  const waiters = store.recentUses.of(resource, "waiters", now);
  return (
    <tr class={`tn-hue-${store.hues.of({ ref: resource.id, stereotype: resource.stereotype })}`}>
      <th scope="row">
        <button
          type="button"
          data-item
          class="tn-resource-link"
          aria-current={subject.kind === "resource" && subject.id === resource.id}
          title={resource.kind}
          onClick={() => store.choose({ kind: "resource", id: resource.id })}
        >
          <i class="tn-swatch" aria-hidden="true" />
          <Glyph stereotype={resource.stereotype} />
          <span class="tn-name">{resourceLabel(resource)}</span>
          {process && <span class="tn-muted">{`${processLabel(process)}${process.alive ? "" : ", ended"}`}</span>}
        </button>
      </th>
      <td>
        <Held resource={resource} />
      </td>
      <td>
        <UseList uses={holders} kind="holders" total={resource.held + resource.releasing} room={room} />
      </td>
      <td>
        <UseList
          uses={waiters}
          kind={resource.capacity === null ? "holders" : "waiters"}
          total={resource.acquiring}
          room={room}
        />
      </td>
      <td class="tn-number">{formatPercentile(resource.wait_ms.p95)}</td>
      <td class="tn-number">{formatPercentile(resource.hold_ms.p95)}</td>
      {hasFailed && (
        <td class={resource.failed > 0 ? "tn-number tn-nonzero" : "tn-number tn-muted"}>
          {resource.failed > 0 ? resource.failed.toLocaleString("en") : ""}
        </td>
      )}
    </tr>
  );
}

/** The used part of the capacity. */
function Held({ resource }: { resource: Resource }) {
  const taken = resource.held + resource.releasing;
  const { capacity } = resource;
  if (capacity === null) return <span class={taken > 0 ? "tn-held" : "tn-held tn-muted"}>{taken}</span>;
  return (
    <span class="tn-held" role="img" aria-label={`${taken} of ${capacity} held`}>
      {capacity <= MAX_SLOTS && (
        <span class="tn-slots" aria-hidden="true">
          {Array.from({ length: capacity }, (_, slot) => (
            <i key={slot} class={slot < taken ? "tn-slot tn-taken" : "tn-slot"} />
          ))}
        </span>
      )}
      <span class={taken > 0 ? "" : "tn-muted"}>
        {taken}/{capacity}
      </span>
    </span>
  );
}
