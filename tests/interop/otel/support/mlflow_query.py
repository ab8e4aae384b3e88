"""Run by the Python that has mlflow: prints, as JSON, the spans of a trace that mlflow's server has.

python mlflow_query.py http://127.0.0.1:5000 TRACE_ID
"""

from __future__ import annotations

import json
import sys

from mlflow import MlflowClient


def main(uri: str, trace_id: str) -> None:
    trace = MlflowClient(tracking_uri=uri).get_trace(f"tr-{trace_id}")
    spans = [
        {
            "name": span.name,
            "trace": span._trace_id,
            "span": span.span_id,
            "parent": span.parent_id,
            "start_ns": span.start_time_ns,
            "end_ns": span.end_time_ns,
            "status": [span.status.status_code.value, span.status.description],
            "attributes": span.attributes,
            "events": [[event.name, event.timestamp, event.attributes] for event in span.events],
            "links": [[link.trace_id, link.span_id, link.attributes] for link in span.links],
        }
        for span in trace.data.spans
    ]
    sys.stdout.write(json.dumps(spans))


if __name__ == "__main__":
    main(*sys.argv[1:])
