import { formatTicking } from "../../model/durations.ts";
import { describeExporters, exportState, lostSpans } from "../../model/exporters.ts";
import type { Exporter } from "../../schema/messages.ts";
import { useStore } from "./context.ts";

/** The export to OpenTelemetry backends: its state in the header, and a table of the backends that opens below it. */
export function Exporters() {
  const exporters = useStore().overview.value?.exporters ?? [];
  if (exporters.length === 0) return null;
  const { state, text } = describeExporters(exporters);
  return (
    <details class="tn-exporters">
      <summary class={`tn-${state}`}>
        <i class="tn-dot" aria-hidden="true" />
        {text}
      </summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Backend</th>
            <th scope="col">State</th>
            <th scope="col" class="tn-number">
              Exported
            </th>
            <th scope="col" class="tn-number" title="Lifecycles that ended and that the backend has not acknowledged">
              Waiting
            </th>
            <th scope="col" class="tn-number">
              Behind
            </th>
            <th
              scope="col"
              class="tn-number"
              title="Lifecycles that the backend rejected or refused, or that were deleted before they were exported"
            >
              Lost
            </th>
          </tr>
        </thead>
        <tbody>
          {exporters.map((exporter) => (
            <ExporterRow key={exporter.url} exporter={exporter} />
          ))}
        </tbody>
      </table>
    </details>
  );
}

function ExporterRow({ exporter }: { exporter: Exporter }) {
  const lost = lostSpans(exporter);
  return (
    <>
      <tr>
        <th scope="row">{exporter.url}</th>
        <td class={`tn-${exportState(exporter)}`}>{exporter.state}</td>
        <td class="tn-number">{exporter.exported.toLocaleString("en")}</td>
        <td class="tn-number">{exporter.waiting.toLocaleString("en")}</td>
        <td class="tn-number">{exporter.waiting > 0 ? formatTicking(exporter.lag_s * 1e9) : ""}</td>
        <td class={lost > 0 ? "tn-number tn-nonzero" : "tn-number"}>{lost > 0 ? lost.toLocaleString("en") : ""}</td>
      </tr>
      {exporter.last_error !== null && (
        <tr class="tn-exporter-error">
          <td colSpan={6}>last error: {exporter.last_error}</td>
        </tr>
      )}
    </>
  );
}
