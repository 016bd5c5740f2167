"""What clients send by mistake or on purpose, made by hand: each is put into every place of a valid request."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from calls import Call

JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"
DEEP = 190

JSON_VALUES: tuple[bytes, ...] = (
    *(
        b"null",
        b"true",
        b"0",
        b"-1",
        b"1.5",
        b"60.0",
        b"[]",
        b"{}",
        b'""',
        b'" "',
        b'"x"',
        b'["x"]',
        b"[null]",
        b"[[]]",
    ),
    *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-0", b"1e-400", b"2147483648", b"9007199254740993"),
    *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"9" * 400, b"9" * 5000),
    *(rb'"\ud800"', rb'"\udfff\ud800"', rb'"\u0000"', rb'"a\u0000b"', rb'"\u202eabc"', rb'"\ufeff"', rb'"\u0085"'),
    *(b'"\x00"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', '"\U0001f469\u200d\U0001f4bb"'.encode(), b'"\t\n"'),
    *(b'"' + b"a" * 300 + b'"', b'"' + b"a" * 9000 + b'"', b'"' + "\u00e9".encode() * 9000 + b'"'),
    *(b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * 2000 + b"]" * 2000),
    *(
        b'{"$gt":""}',
        b'{"$ne":null}',
        b'{"$where":"1"}',
        b'"$_id"',
        b'"$$NOW"',
        b'{"a.b":1}',
        b'{"":1}',
        b'{"a\\u0000":1}',
    ),
    *(b'"0001-01-01T00:00:00+14:00"', b'"9999-12-31T23:59:59.999999-14:00"', b'"2027-02-30T10:00:00Z"'),
    *(b'"2027-03-01T10:00:60Z"', b'"2027-03-01T24:00:00Z"', b'"2027-03-01T10:00:00+99:00"', b'"100000000000"', b"1e11"),
    *(b'"2100-12-31T23:59:59.9999999Z"', b'"1999-12-31T23:59:59Z"', b'"-0001-01-01T00:00:00Z"', b'"20270301T100000Z"'),
    *(b'"../../etc/passwd"', b'"a@b"', b'"@"', b'"a@[127.0.0.1]"', b'"%00@example.com"', b'"ada@ex\xc3\xa4mple.com"'),
    *(b'"https://"', b'"https://[::1"', b'"https://127.0.0.1:99999/"', b'"https://a@127.0.0.1:9/"', b'"javascript:1"'),
    *(
        b'"ffffffffffffffffffffffff"',
        b'"FFFFFFFFFFFFFFFFFFFFFFFF"',
        b'"Europe/../UTC"',
        b'"/etc/localtime"',
        b'"posixrules"',
    ),
)
"""In the place of each value of a body, as JSON; some isn't JSON at all."""

TEXTS: tuple[bytes, ...] = (
    *(b"", b"%20", b"%00", b"a%00b", b"%ff", b"%ED%A0%80", b"%C0%80", b"%", b"%zz", b"%25", b"%2e%2e%2f", b"..", b"."),
    *(b"0", b"-1", b"1.0", b"1e3", b"%2B1", b"%201", b"01", b"1_000", b"%D9%A1", b"100", b"101", b"NaN", b"Infinity"),
    *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"9" * 400, b"9" * 5000, b"1e400"),
    *(b"true", b"false", b"null", b"None", b"%5B%5D", b"%7B%22%24gt%22%3A%22%22%7D", b"%24ne", b"(a%2B)%2B%24", b".*"),
    *(b"0001-01-01T00:00:00%2B14:00", b"9999-12-31T23:59:59.999999-14:00", b"2027-02-30", b"100000000000", b"now"),
    *(b"2027-03-01T10:00:00 01:00", b"-created_at", b"created_at,created_at", b"-", b",", b"--title", b"title," * 300),
    *(b"f" * 24, b"F" * 24, b"f" * 23, b"f" * 25, b"%F0%9F%98%80", b"e%CC%81", b"%E2%80%AE", b"a" * 5000, b"%2F" * 50),
    *(b"AAAA", b"eyJhIjoxfQ", b"eyJhIjoxfQ==", b"====", b"*", b"%0d%0aX-A:%201", b"a;b", b"a&b=c", b"%26limit%3D5"),
)
"""In the place of each parameter of a path or a query, percent-encoded or as it is."""

BODIES: tuple[bytes, ...] = (
    *(
        b"",
        b" ",
        b"null",
        b"true",
        b"1",
        b'"a"',
        b"[]",
        b"{}",
        b"[{}]",
        b"{",
        b'{"a"',
        b'{"a":1}{"a":1}',
        b"{}x",
        b"{'a':1}",
    ),
    *(
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"\xff",
        b"{}\x00",
        "{}".encode("utf-16"),
        "{}".encode("utf-32"),
    ),
    *(b"[" * 100_000, b'{"a":' * 20_000, b"[" * DEEP + b"]" * DEEP, b'{"a":"' + b"a" * 300_000 + b'"}', b" " * 300_000),
    *(b'{"a":1,"a":2}', json.dumps({f"k{n}": n for n in range(300)}).encode(), b"[" + b"1," * 60_000 + b"1]"),
    *(
        b"NaN",
        b"1e400",
        b"9" * 5000,
        rb'"\ud800"',
        rb'{"\ud800":1}',
        b'{"__proto__":{}}',
        b'{"$set":{}}',
        gzip.compress(b"{}"),
    ),
    *(
        b"a=b",
        b"a=b&a=c",
        b"a=%ff",
        b"=&=&",
        b"a" * 5000,
        b"&" * 5000,
        b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--",
    ),
)
"""In the place of a whole body."""

CONTENT_TYPES: tuple[bytes, ...] = (
    *(b"", b"a", b"/", b"application/", b"application/json;", b"application/json; charset=utf-16", b"APPLICATION/JSON"),
    *(
        b"application/json; charset=\xff",
        b"application/problem+json",
        b"application/json, text/plain",
        b"text/json",
        b"*/*",
    ),
    *(
        b"text/plain",
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/form-data; boundary=x",
        FORM,
    ),
    *(
        b"application/x-www-form-urlencoded; charset=utf-7",
        b"application/octet-stream",
        b"application/json; a=" + b"b" * 3000,
    ),
)

HEADERS: tuple[tuple[tuple[bytes, bytes], ...], ...] = (
    *(
        ((b"If-Match", value),)
        for value in (b"", b"*", b'"1"', b'W/"1"', b"1", b'"', b'"\xff"', b'"1",' * 500, b'"9999"')
    ),
    *(((b"If-None-Match", value),) for value in (b"", b"*", b'"1"', b'W/"1"', b"1", b'"', b'"\xff"', b'"1",' * 500)),
    *(
        ((b"Range", value),)
        for value in (b"bytes=0-1", b"bytes=5-1", b"bytes=-", b"bytes=0-,0-,0-", b"seq=1-", b"\xff")
    ),
    *(((b"Accept", value),) for value in (b"", b"text/html", b"*/*;q=0", b"application/xml", b"\xff", b"a/b," * 500)),
    *(((b"Accept-Encoding", value),) for value in (b"", b"gzip", b"identity;q=0", b"br;q=9", b"\xff")),
    *(((b"Accept-Language", value),) for value in (b"tlh", b"\xff")),
    *(((b"Last-Event-ID", value),) for value in (b"", b"-1", b"a", b"9" * 30, b"\xff", b"\xd9\xa1")),
    *(((b"Idempotency-Key", value),) for value in (b"", b"a", b'"a"', b"a" * 300, b"\xff", b"\xe2\x80\xae")),
    *(((b"X-Request-ID", value),) for value in (b"", b"a" * 300, b"\xff", b'"}', b"a b")),
    *(
        ((b"traceparent", value),)
        for value in (b"", b"00-0-0-00", b"\xff", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01")
    ),
    *(((b"Host", value),) for value in (b"", b"evil.example", b"a:b", b"[::1", b"\xff", b"a/b", b"a" * 300)),
    *(((b"Forwarded", b"for=\xff"),), ((b"X-Forwarded-For", b"a, b"),), ((b"X-Forwarded-Proto", b"javascript"),)),
    *(((b"X-Forwarded-Host", b"evil.example"),), ((b"X-HTTP-Method-Override", b"DELETE"),), ((b"Expect", b"a"),)),
    *(((b"Cookie", value),) for value in (b"", b"a", b"a=\xff", b"a=b;" * 500)),
    *(
        ((b"Authorization", value),)
        for value in (b"", b"Bearer", b"Bearer ", b"Bearer a b", b"bearer \xff", b"Basic YTpi")
    ),
    *(
        ((b"Authorization", value),)
        for value in (b"Basic \xff", b"Digest a", b"Bearer a.b.c", b"Bearer " + b"a" * 5000)
    ),
    *(((b"Authorization", b"Bearer a"), (b"Authorization", b"Bearer b")), ((b"Host", b"a"), (b"Host", b"b"))),
    *(((b"If-Match", b'"1"'), (b"If-Match", b'"2"')), ((b"Range", b"bytes=0-"), (b"Range", b"bytes=1-"))),
    *(((b"Content-Type", JSON), (b"Content-Type", FORM)), ((b"Idempotency-Key", b"a"), (b"Idempotency-Key", b"b"))),
    *(((b"Content-Encoding", value),) for value in (b"gzip", b"br", b"\xff")),
    *(((b"Origin", b"https://evil.example"),), ((b"Origin", b"null"), (b"Access-Control-Request-Method", b"PUT"))),
    tuple((b"X-%d" % number, b"a") for number in range(90)),
)

QUERIES: tuple[bytes, ...] = (
    *(b"?", b"?&&&", b"?=", b"?a", b"?a=%ff", b"?%00=1", b"?limit=5&limit=5", b"?limit[]=5", b"?limit=5;offset=1"),
    *(
        b"?$where=1",
        b"?limit=5#fragment",
        b"?" + b"a=1&" * 1000,
        b"?" + b"a" * 9000,
        b"?\xff=\xff",
        b"?%E2%80%AE=1",
        b"??",
    ),
    *(b"?access_token=a", b"?_method=DELETE", b"?limit=%D9%A1", b"?LIMIT=5", b"?limit =5", b"?cursor=a&offset=1"),
)

ENDS: tuple[bytes, ...] = (
    b"/",
    b"//",
    b"/.",
    b"/..",
    b"/%2e%2e",
    b";a=b",
    b"%00",
    b"%2f",
    b"/" + b"a" * 5000,
    b"\xff",
    b".json",
)
METHODS = ("TRACE", "OPTIONS", "HEAD", "PROPFIND", "GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "get", "A" * 300)


@dataclass(frozen=True)
class Sent:
    """A request as it goes over the wire."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content: bytes = b""

    def with_header(self, *headers: tuple[bytes, bytes]) -> "Sent":
        """Return the request with these headers in the place of its own of those names."""
        names = {name.lower() for name, _ in headers}
        kept = [header for header in self.headers if header[0].lower() not in names]
        return replace(self, headers=(*kept, *headers))


def variants(operation: str, call: Call, parameters: list[dict[str, Any]]) -> Iterator[Sent]:
    """Yield every request that the corpus makes of a valid one of an operation, such as `GET /v1/users`."""
    valid = sent(operation, call)
    method, path = operation.split(" ")
    yield from (replace(valid, target=valid.target + query) for query in (*QUERIES, *ENDS))
    yield from (replace(valid, method=other) for other in METHODS if other != method)
    yield from (valid.with_header(*headers) for headers in HEADERS)
    yield from (replace(valid, content=body).with_header((b"Content-Type", JSON)) for body in BODIES)
    yield from (replace(valid, content=body).with_header((b"Content-Type", FORM)) for body in BODIES)
    yield from (valid.with_header((b"Content-Type", media_type)) for media_type in CONTENT_TYPES)
    for parameter in parameters:
        yield from _in_the_place_of(parameter, valid, path, call)
    for name in call.form or ():
        for text in TEXTS:
            yield replace(valid, content=_form(call, name, text))
    for name in call.body or ():
        yield from (replace(valid, content=_json(call, name, value)) for value in JSON_VALUES)


def sent(operation: str, call: Call) -> Sent:
    """Return the valid request."""
    method, path = operation.split(" ")
    headers = [(name.encode(), value.encode()) for name, value in (call.caller.headers if call.caller else {}).items()]
    content = b""
    if call.body is not None:
        headers.append((b"Content-Type", JSON))
        content = json.dumps(call.body).encode()
    elif call.form is not None:
        headers.append((b"Content-Type", FORM))
        content = urlencode(call.form).encode()
    return Sent(method, path.format(**call.ids).encode(), tuple(headers), content)


def _in_the_place_of(parameter: dict[str, Any], valid: Sent, path: str, call: Call) -> Iterator[Sent]:
    name = parameter["name"]
    if parameter["in"] == "path":
        before, after = (part.format(**call.ids).encode() for part in path.split("{" + name + "}"))
        yield from (replace(valid, target=before + text + after) for text in TEXTS)
    elif parameter["in"] == "query":
        key = quote(name).encode()
        yield from (replace(valid, target=valid.target + b"?" + key + b"=" + text) for text in TEXTS)
        yield replace(valid, target=valid.target + b"?" + key + b"=1&" + key + b"=2")


def _form(call: Call, name: str, text: bytes) -> bytes:
    others = {key: value for key, value in (call.form or {}).items() if key != name}
    return urlencode(others).encode() + b"&" + quote(name).encode() + b"=" + text


def _json(call: Call, name: str, value: bytes) -> bytes:
    fields = [(key, json.dumps(other).encode()) for key, other in (call.body or {}).items() if key != name]
    return b"{" + b",".join(json.dumps(key).encode() + b":" + text for key, text in (*fields, (name, value))) + b"}"
