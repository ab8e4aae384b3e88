import { formatTicking } from "../../model/durations.ts";
import { describeExporters, lostOf, stateOf } from "../../model/exporting.ts";
import type { Exporter } from "../../schema/messages.ts";
import { useStore } from "./context.ts";

/** How the export to OpenTelemetry backends goes: a word in the header, and behind it each backend. */
export function Exporters() {
  const exporters = useStore().overview.value?.exporters ?? [];
  if (exporters.length === 0) return null;
  const { state, text } = describeExporters(exporters);
  return (
    <details class="exporters">
      <summary class={state}>
        <i class="dot" aria-hidden="true" />
        {text}
      </summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Backend</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Exported
            </th>
            <th scope="col" class="number" title="Lifecycles that ended and that the backend has not acknowledged">
              Waiting
            </th>
            <th scope="col" class="number">
              Behind
            </th>
            <th
              scope="col"
              class="number"
              title="Lifecycles that the backend rejected or refused, or that were deleted before they were exported"
            >
              Lost
            </th>
          </tr>
        </thead>
        <tbody>
          {exporters.map((exporter) => (
            <Row key={exporter.url} exporter={exporter} />
          ))}
        </tbody>
      </table>
    </details>
  );
}

function Row({ exporter }: { exporter: Exporter }) {
  const lost = lostOf(exporter);
  return (
    <>
      <tr>
        <th scope="row">{exporter.url}</th>
        <td class={stateOf(exporter)}>{exporter.state}</td>
        <td class="number">{exporter.exported.toLocaleString("en")}</td>
        <td class="number">{exporter.waiting.toLocaleString("en")}</td>
        <td class="number">{exporter.waiting > 0 ? formatTicking(exporter.lag_s * 1e9) : ""}</td>
        <td class={lost > 0 ? "number some" : "number"}>{lost > 0 ? lost.toLocaleString("en") : ""}</td>
      </tr>
      {exporter.last_error !== null && (
        <tr class="said">
          <td colSpan={6}>last error: {exporter.last_error}</td>
        </tr>
      )}
    </>
  );
}
