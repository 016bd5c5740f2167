"""Why a MongoDB can't be used, and what helps: one row for each cause."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote

from parley_core.data.documents import Document
from parley_core.data.failures import DatabaseAway
from parley_core.errors import StartupError

_UNAUTHORIZED, _AUTHENTICATION_FAILED = 13, 18


class _Row(NamedTuple):
    """What is wrong, what helps, and whether no waiting does. `{shell}` is a command, all else a finding's details."""

    what: str
    remedy: str
    is_lasting: bool = False


class Cause(Enum):
    """Why a MongoDB can't be used. The value is what is said about it."""

    NO_ADDRESS = _Row("this name does not resolve", "correct the host in PARLEY_MONGODB_URI, or DNS")
    NO_ADDRESS_OF_MEMBER = _Row(
        "the replica set calls a member so, and this name does not resolve here",
        "make it resolve, or give the member another name: {shell} --eval 'help(rs.reconfig)'",
    )
    NO_SERVICE = _Row(
        "DNS has no servers for this name (record _mongodb._tcp)",
        "correct the host in PARLEY_MONGODB_URI, or write mongodb:// without +srv",
    )
    REFUSED = _Row("connection refused", "start mongod there, or correct host and port in PARLEY_MONGODB_URI")
    NO_SOCKET = _Row("there is no such socket", "start mongod, or correct the path in PARLEY_MONGODB_URI")
    UNREACHABLE = _Row("not reachable ({reason})", "look at the network, and at net.bindIp of that mongod")
    SILENT = _Row("no answer in time", "look whether mongod runs there, and at firewalls in between")
    CLOSED = _Row(
        "it closes the connection, as a mongod does that requires TLS",
        "add tls=true to PARLEY_MONGODB_URI, and tlsCAFile= for a CA of your own",
    )
    NO_TLS = _Row(
        "the TLS handshake fails",
        "leave tls=true out of PARLEY_MONGODB_URI if that mongod has no TLS (net.tls.mode), else see its log",
    )
    UNTRUSTED = _Row(
        "its certificate is not trusted",
        "name the CA's file in PARLEY_MONGODB_URI (tlsCAFile=), and the host as the certificate does",
        is_lasting=True,
    )
    TOO_OLD = _Row(
        "this MongoDB is older than the driver supports ({reason})",
        "install a newer one; Parley is tested on MongoDB 6.0",
        is_lasting=True,
    )
    ROUTER = _Row(
        "this is a mongos, the router of a sharded cluster, but Parley needs a replica set",
        "name the members of a replica set in PARLEY_MONGODB_URI",
        is_lasting=True,
    )
    STANDALONE = _Row(
        "this is a standalone server, but Parley needs a replica set (one member is enough)",
        "start mongod with --replSet rs0, then run: {shell} --eval 'rs.initiate()'",
        is_lasting=True,
    )
    NOT_INITIATED = _Row("its replica set is not initiated", "run once: {shell} --eval 'rs.initiate()'")
    WRONG_SET = _Row(
        "it belongs to the replica set '{actual}', but PARLEY_MONGODB_URI says replicaSet={expected}",
        "write replicaSet={actual}",
        is_lasting=True,
    )
    NO_PRIMARY = _Row(
        "the replica set '{actual}' has no primary now",
        "if it stays so, see which members are missing: {shell} --eval 'rs.status()'",
    )
    NOT_PRIMARY = _Row(
        "this member takes no writes, since {primary} is the primary, and directConnection=true asks this member alone",
        "leave directConnection out of PARLEY_MONGODB_URI, and add replicaSet={actual}",
        is_lasting=True,
    )
    WRONG_CREDENTIALS = _Row(
        "it refuses the user or the password",
        "correct them in PARLEY_MONGODB_URI (percent-encoded), or authSource=, the database the user is defined in",
        is_lasting=True,
    )
    NO_CREDENTIALS = _Row(
        "it asks for a user, and PARLEY_MONGODB_URI names none",
        "write mongodb://USER:PASSWORD@... with a user that has the role readWrite on the database '{database}'",
        is_lasting=True,
    )
    NO_RIGHTS = _Row(
        "the user of PARLEY_MONGODB_URI may not use the database '{database}'",
        "as an administrator of MongoDB run in mongosh, in the database that the user is defined in: "
        "db.grantRolesToUser('USER', [{{role: 'readWrite', db: '{database}'}}])",
        is_lasting=True,
    )
    NOT_ALLOWED = _Row("it refuses the connection (code {reason})", "see its log", is_lasting=True)
    PASSING = _Row("it did not take writes just now", "try again")

    @property
    def row(self) -> _Row:
        """What is said about it."""
        return self.value


@dataclass(frozen=True)
class Finding:
    """What is wrong with one host; `details` are what its cause's row has in braces."""

    host: str
    cause: Cause
    details: Mapping[str, str] = field(default_factory=dict)


def cause_of(answer: Document, *, expected: str | None = None, is_direct: bool = False) -> Cause | None:
    """Return why a server that answers `hello` like this can't be used; None if it can, or another member must.

    Args:
        answer: what it says of itself.
        expected: the name that its replica set should have; None for any.
        is_direct: nobody else is asked, so that it has to be the primary.
    """
    rows = (
        (answer.get("msg") == "isdbgrid", Cause.ROUTER),
        ("setName" not in answer and bool(answer.get("isreplicaset")), Cause.NOT_INITIATED),
        ("setName" not in answer, Cause.STANDALONE),
        (bool(expected) and answer.get("setName") != expected, Cause.WRONG_SET),
        (bool(answer["isWritablePrimary"]), None),
        ("primary" not in answer, Cause.NO_PRIMARY),
        (is_direct, Cause.NOT_PRIMARY),
    )
    return next((cause for applies, cause in rows if applies), None)


def cause_of_refusal(code: int | None, *, has_user: bool) -> Cause:
    """Return why a server that answers a command with this code refuses the user, or that there is none."""
    if code == _AUTHENTICATION_FAILED:
        return Cause.WRONG_CREDENTIALS
    if code == _UNAUTHORIZED:
        return Cause.NO_RIGHTS if has_user else Cause.NO_CREDENTIALS
    return Cause.NOT_ALLOWED


def refusal_of(findings: Sequence[Finding]) -> StartupError:
    """Return the error that names every host, its cause and what helps; `DatabaseAway` if waiting may help."""
    kind = StartupError if all(finding.cause.row.is_lasting for finding in findings) else DatabaseAway
    return kind(f"MongoDB can't be used: {'. Also '.join(_sentences(findings))}")


def name_of(host: str, port: int | None) -> str:
    """Return how a host is written; one without a port is the path of a socket."""
    return host if port is None else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _sentences(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield one sentence for each cause, which names the hosts that have it."""
    for cause in dict.fromkeys(finding.cause for finding in findings):
        alike = [finding for finding in findings if finding.cause is cause]
        first = alike[0]
        details = {
            "shell": f"mongosh 'mongodb://{quote(first.host, safe=':[]')}/?directConnection=true'",
            **first.details,
        }
        hosts = ", ".join(finding.host for finding in alike)
        yield f"{hosts}: {f'{cause.row.what}: {cause.row.remedy}'.format_map(details)}"
