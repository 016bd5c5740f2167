"""What a request with an API key costs: `python -m benchmarks.keys [--rounds 15] [--seconds 1.5]`.

Cached reads of single interviews are compared in alternating rounds: by administrators with access tokens, by the same
with keys, and by administrators with access tokens who have as many keys as are possible, each with every action.
"""

import argparse
import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from benchmarks.cases import INTERVIEWS, Case, measure
from benchmarks.data import NOW, READERS, an_id, fill
from benchmarks.machine import LOAD_CORE, Server, call, request
from benchmarks.report import paired, shown
from benchmarks.servers import ADMIN, mongodb, parley
from parley_auth.keys.models import MAX_KEYS

TOKENS, KEYS, FULL = "item with a token", "item with a key", "item with a token, 50 keys each"
AT_LEAST = 0.95
_READ = 40


@dataclass(frozen=True)
class Administrator:
    """An administrator's access token and API key."""

    token: str
    key: str


def administrators(server: Server, prefix: str, count: int) -> list[Administrator]:
    """Create administrators, each with a key that reads interviews."""
    first = call(server, "/v1/auth/login", body=ADMIN)["access_token"]
    return [_administrator(server, first, f"{prefix}-{number}@example.com") for number in range(count)]


def _administrator(server: Server, first: str, email: str) -> Administrator:
    account = {"email": email, "password": f"nine green bottles {email}"}
    call(server, "/v1/users", first, account | {"role": "admin"})
    token = call(server, "/v1/auth/login", body=account)["access_token"]
    return Administrator(token, a_key(server, token, ["interviews:read"]))


def a_key(server: Server, token: str, actions: Sequence[str]) -> str:
    """Create a key."""
    return str(call(server, "/v1/api-keys", token, {"name": "Benchmark", "actions": actions})["key"])


def fill_up(database: Database[dict[str, Any]], prefix: str) -> None:
    """Store 49 more keys for administrators, each with many actions and an end."""
    verbs = ("create", "list", "read", "read_internal", "update", "start", "complete", "cancel")
    actions = [*(f"interviews:{verb}" for verb in verbs), "participants:add", "participants:remove"]
    actions += ["users:list", "users:read", "events:read"]
    actions += [f"webhooks:{verb}" for verb in ("create", "read", "update", "delete", "send")]
    key = {"name": "Benchmark", "digest": "d" * 64, "actions": actions, "created_at": NOW, "expires_at": NOW}
    keys = [{"id": an_id(7, number), **key} for number in range(MAX_KEYS - 1)]
    where = {"email": {"$regex": f"^{prefix}-"}}
    database["users"].update_many(where, {"$push": {"keys": {"$each": keys, "$position": 0}}})


def cases(server: Server, few: Sequence[Administrator], full: Sequence[Administrator]) -> Iterator[Case]:
    """Return what is compared: the same interviews, read by the same number of administrators."""
    credentials = {TOKENS: [a.token for a in few], KEYS: [a.key for a in few], FULL: [a.token for a in full]}
    for name, sent in credentials.items():
        read = [(f"/v1/interviews/{an_id(2, number)}", sent[number % len(sent)]) for number in range(_READ)]
        yield Case(name, server, [request(path, credential) for path, credential in read])


def table(measured: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Write medians, and the ratios of each round to the reads with tokens."""
    yield "| case | requests/s | server CPU us | throughput / tokens | range | CPU / tokens | range |"
    yield "|---" * 7 + "|"
    for name, results in measured.items():
        rate, cpu = (statistics.median(result[what] for result in results) for what in ("per_second", "cpu_us"))
        ratios = (shown(paired(results, measured[TOKENS], what)) for what in ("per_second", "cpu_us"))
        yield f"| {name} | {rate:,.0f} | {cpu:,.0f} | {' | '.join(ratios)} |"
    ratio = statistics.median(paired(measured[KEYS], measured[TOKENS], "per_second"))
    yield f"\n{KEYS}: {ratio:.3f} of {TOKENS}, at least {AT_LEAST}: {'met' if ratio >= AT_LEAST else 'MISSED'}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each case in each round")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    with mongodb() as uri, MongoClient[dict[str, Any]](uri) as client, parley(uri, "bench_keys") as server:
        few, full = administrators(server, "few", READERS), administrators(server, "full", READERS)
        fill_up(client["bench_keys"], "full")
        fill(client["bench_keys"], [an_id(1, n) for n in range(READERS)], interviews=INTERVIEWS)
        measured = measure(list(cases(server, few, full)), options.rounds, options.seconds)
    print("API keys", *table(measured), sep="\n")


if __name__ == "__main__":
    main()
