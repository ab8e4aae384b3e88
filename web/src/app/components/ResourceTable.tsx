import { useSignal } from "@preact/signals";
import { formatPercentile } from "../../model/durations.ts";
import { resourceLabel } from "../../model/labels.ts";
import type { Process, Resource } from "../../schema/messages.ts";
import { isNarrow } from "../narrow.ts";
import { useStore } from "./context.ts";
import { Glyph } from "./Glyph.tsx";
import { moveFocus } from "./lists.ts";
import { Uses } from "./Uses.tsx";

const SHOWN = 6;
const SHORT = 22; // characters of names that leave room for more of who holds and who waits
const SLOTS = 12; // a capacity up to this is drawn slot by slot

/** What is held, by whom, and who waits for it. */
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
  const isRecorded = store.connection.value.kind === "recorded"; // then all are over, or are told apart
  const tellsProcess = overview.processes.filter(({ alive }) => alive || isRecorded).length > 1;
  const tellsEnd = (resource: Resource) => !isRecorded && isOver(resource);
  const hasFailed = shown.some((resource) => resource.failed > 0);
  const longest = Math.max(...ranked.map((resource) => resourceLabel(resource).length)) + (tellsProcess ? 14 : 0);
  return (
    <section class="resources" aria-label="Resources">
      <table onKeyDown={moveFocus}>
        <thead>
          <tr>
            <th scope="col" style={{ width: `calc(${0.72 * Math.min(longest, isNarrow.value ? 20 : 28)}em + 44px)` }}>
              Resource
            </th>
            <th scope="col">Held</th>
            <th scope="col">By</th>
            <th scope="col">Waiting</th>
            <th scope="col" class="number" title="95 % of acquires waited at most this long">
              Wait p95
            </th>
            <th scope="col" class="number" title="95 % of holds took at most this long">
              Hold p95
            </th>
            {hasFailed && (
              <th scope="col" class="number" title="Lifecycles with a phase that failed">
                Failed
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map((resource) => (
            <Row
              key={resource.id}
              resource={resource}
              process={tellsProcess || tellsEnd(resource) ? processes.get(resource.process) : undefined}
              hasFailed={hasFailed}
              room={longest > SHORT ? 24 : 28}
            />
          ))}
        </tbody>
      </table>
      {ranked.length > SHOWN && (
        <button
          type="button"
          class="quiet more"
          aria-expanded={showsAll.value}
          onClick={() => {
            showsAll.value = !showsAll.value;
          }}
        >
          {showsAll.value ? "show fewer" : `show all ${ranked.length} resources`}
        </button>
      )}
    </section>
  );
}

function Row(props: { resource: Resource; process: Process | undefined; hasFailed: boolean; room: number }) {
  const { resource, process, hasFailed, room } = props;
  const store = useStore();
  const { subject } = store.choice.value;
  const now = store.overview.value?.now_ns ?? 0;
  const holders = store.lingering.uses(resource, "holders", now);
  const waiters = store.lingering.uses(resource, "waiters", now);
  return (
    <tr class={`hue-${store.hues.of({ ref: resource.id, stereotype: resource.stereotype })}`}>
      <th scope="row">
        <button
          type="button"
          data-item
          class="named"
          aria-current={subject.kind === "resource" && subject.id === resource.id}
          title={resource.kind}
          onClick={() => store.choose({ kind: "resource", id: resource.id })}
        >
          <i class="swatch" aria-hidden="true" />
          <Glyph stereotype={resource.stereotype} />
          <span class="name">{resourceLabel(resource)}</span>
          {process && (
            <span class="muted">{process.alive ? `${process.service} ${process.pid || ""}`.trimEnd() : "ended"}</span>
          )}
        </button>
      </th>
      <td>
        <Held resource={resource} />
      </td>
      <td>
        <Uses uses={holders} kind="holders" room={room} />
      </td>
      <td>
        <Uses uses={waiters} kind={resource.capacity === null ? "holders" : "waiters"} room={room} />
      </td>
      <td class="number">{formatPercentile(resource.wait_ms.p95)}</td>
      <td class="number">{formatPercentile(resource.hold_ms.p95)}</td>
      {hasFailed && (
        <td class={resource.failed > 0 ? "number some" : "number muted"}>
          {resource.failed > 0 ? resource.failed.toLocaleString("en") : ""}
        </td>
      )}
    </tr>
  );
}

/** How much of the capacity is taken. */
function Held({ resource }: { resource: Resource }) {
  const taken = resource.held + resource.releasing;
  const { capacity } = resource;
  if (capacity === null) return <span class={taken > 0 ? "held" : "held muted"}>{taken}</span>;
  return (
    <span class="held" role="img" aria-label={`${taken} of ${capacity} held`}>
      {capacity <= SLOTS && (
        <span class="slots" aria-hidden="true">
          {Array.from({ length: capacity }, (_, slot) => (
            <i key={slot} class={slot < taken ? "slot taken" : "slot"} />
          ))}
        </span>
      )}
      <span class={taken > 0 ? "" : "muted"}>
        {taken}/{capacity}
      </span>
    </span>
  );
}
