"""A receiver of OpenTelemetry spans for tests: writes each as a line of JSON to the file that it is given, with its port first."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        for group in sent.resource_spans:
            resource = _plain(group.resource.attributes)
            for span in (span for scope in group.scope_spans for span in scope.spans):
                said = {
                    "path": self.path,
                    "name": span.name,
                    "service": resource["service.name"],
                    "trace": span.trace_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "status": span.status.code,
                    "events": len(span.events),
                    **_plain(span.attributes),
                }
                with out.open("a") as file:
                    file.write(json.dumps(said) + "\n")
        content = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def _plain(attributes) -> dict:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


out = Path(sys.argv[1])
with HTTPServer(("127.0.0.1", 0), Receiver) as server:
    out.write_text(f"{server.server_port}\n")
    server.serve_forever()
