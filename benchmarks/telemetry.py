"""What telemetry costs a cached read: `python -m benchmarks.telemetry [--rounds 7] [--seconds 2]`.

`parley serve` is measured in alternating rounds without an endpoint, with everything exported to a receiver on the core
of the load, with metrics alone, and with a tenth of the traces. What telemetry costs where it is off, a comparison with
an older commit shows: `python -m benchmarks.run --against REV --cases item`.
"""

import argparse
import os
import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from pymongo import MongoClient

from benchmarks.cases import INTERVIEWS, accounts, measure, reads
from benchmarks.data import fill
from benchmarks.machine import LOAD_CORE, Server
from benchmarks.report import paired, shown
from benchmarks.servers import mongodb, parley_serve

OFF, ALL, METRICS, TENTH = "off", "traces and metrics", "metrics alone", "a tenth of the traces, and metrics"
MORE: Mapping[str, Mapping[str, str]] = {
    OFF: {"OTEL_SDK_DISABLED": "true"},
    ALL: {},
    METRICS: {"OTEL_TRACES_EXPORTER": "none"},
    TENTH: {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
}
AT_MOST = 1.10


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def receiver() -> Iterator[str]:
    """Run a receiver that keeps nothing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def table(measured: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Write medians, and the ratios of each round to what is measured without telemetry."""
    yield "| telemetry | requests/s | server CPU us | throughput / off | range | CPU / off | range |"
    yield "|---" * 7 + "|"
    for name, results in measured.items():
        rate, cpu = (statistics.median(result[what] for result in results) for what in ("per_second", "cpu_us"))
        ratios = (shown(paired(results, measured[OFF], what)) for what in ("per_second", "cpu_us"))
        yield f"| {name} | {rate:,.0f} | {cpu:,.0f} | {' | '.join(ratios)} |"
    ratio = statistics.median(paired(measured[ALL], measured[OFF], "cpu_us"))
    yield f"\n{ALL}: {ratio:.2f} of {OFF}, at most {AT_MOST}: {'met' if ratio <= AT_MOST else 'MISSED'}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each case in each round")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    with mongodb() as uri, receiver() as endpoint, ExitStack() as stack:
        _, readers = accounts(uri, "bench")
        with MongoClient[dict[str, Any]](uri) as client:
            fill(client["bench"], [reader.id for reader in readers], interviews=INTERVIEWS)
        cases = []
        for name, more in MORE.items():
            serving = parley_serve(uri, "bench", name, more={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **more})
            server: Server = stack.enter_context(serving)
            cases.append(next(case for case in reads(server, readers) if case.name == "item"))
        named = [type(case)(name, case.server, case.requests) for name, case in zip(MORE, cases, strict=True)]
        measured = measure(named, options.rounds, options.seconds)
    print("Telemetry, cached reads of an interview", *table(measured), sep="\n")


if __name__ == "__main__":
    main()
