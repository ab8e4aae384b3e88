// A payment service with OpenTelemetry's SDK for JavaScript: node payment.mjs COLLECTOR http/json|http/protobuf
// It prints its port, answers POST /charge under the caller's span, and after SIGTERM prints the spans that it sent.
import { createServer } from "node:http";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, propagation, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const [collector, protocol] = process.argv.slice(2);
const Exporter = { "http/json": JsonExporter, "http/protobuf": ProtobufExporter }[protocol];
const sent = [];
const nanoseconds = ([seconds, rest]) => String(BigInt(seconds) * 1_000_000_000n + BigInt(rest));
const keeping = {
  onStart() {},
  onEnd(span) {
    sent.push({
      name: span.name,
      trace: span.spanContext().traceId,
      span: span.spanContext().spanId,
      parent: span.parentSpanContext?.spanId ?? null,
      start_ns: nanoseconds(span.startTime),
      end_ns: nanoseconds(span.endTime),
      error: span.status.code === SpanStatusCode.ERROR,
    });
  },
  shutdown: async () => {},
  forceFlush: async () => {},
};
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "payment", "service.instance.id": "payment-1" }),
  spanProcessors: [new BatchSpanProcessor(new Exporter({ url: `${collector}/v1/traces` })), keeping],
});
provider.register();
const tracer = trace.getTracer("payment");

function charge(caller) {
  tracer.startActiveSpan("POST /charge", { kind: SpanKind.SERVER }, caller, (request) => {
    const attributes = { "db.system.name": "postgresql", "db.namespace": "payments" };
    tracer.startActiveSpan("INSERT", { kind: SpanKind.CLIENT, attributes }, (insert) => {
      insert.addEvent("acquired");
      insert.end();
    });
    tracer.startActiveSpan("notify", { kind: SpanKind.PRODUCER }, (notify) => {
      const error = new RangeError("no such topic: ☂");
      notify.recordException(error);
      notify.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      notify.end();
    });
    request.end();
  });
}

const server = createServer((request, response) => {
  charge(propagation.extract(ROOT_CONTEXT, request.headers));
  response.end("paid");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.on("SIGTERM", async () => {
  server.close();
  server.closeAllConnections();
  await provider.shutdown();
  console.log(JSON.stringify(sent));
});
