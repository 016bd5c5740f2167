"""A client that openapi-python-client generates, and what can be done with it against a running server."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
from tools import EMAIL, PASSWORD, Run

from parley_app.testing import Serving
from parley_core.testing.documented import Documented

PACKAGE = "generated_client"


@pytest.fixture(scope="module")
def generation(python_tool: Run, document_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the generated package, and what the generator said."""
    folder = tmp_path_factory.mktemp("generated")
    config = folder / "config.json"
    config.write_text('{"post_hooks": []}')  # what is only run needs no formatting
    options = ("--meta=none", f"--config={config}", f"--path={document_file}", f"--output-path={folder / PACKAGE}")
    made = python_tool("openapi-python-client", "generate", *options)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / PACKAGE, made.stdout + made.stderr


@pytest.fixture(scope="module")
def generated(generation: tuple[Path, str]) -> Iterator[Path]:
    """The folder of the generated package, which can be imported."""
    folder, _ = generation
    sys.path.insert(0, str(folder.parent))
    invalidate_caches()
    yield folder
    sys.path.remove(str(folder.parent))


class Session:
    """A caller with a generated client; each answer must be one that the document knows.

    Args:
        url: where the server is.
        documented: what the document says.
        token: the caller's access token; none for somebody who hasn't logged in.
    """

    def __init__(self, url: str, documented: Documented, token: str | None = None) -> None:
        self._documented = documented
        made: dict[str, Any] = {
            "raise_on_unexpected_status": True,
            "httpx_args": {"event_hooks": {"response": [self._check]}},
        }
        client = import_module(f"{PACKAGE}.client")
        self._client = client.AuthenticatedClient(url, token, **made) if token else client.Client(url, **made)
        self.missing: list[str] = []

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.__exit__(kind, error, at)

    def call(self, operation: str, *path: str, body: object = None, **arguments: object) -> Any:
        """Call an operation by its place and name, such as `interviews.read_interview`; return the whole answer."""
        sent = arguments if body is None else arguments | {"body": body}
        return import_module(f"{PACKAGE}.api.{operation}").sync_detailed(*path, client=self._client, **sent)

    def _check(self, response: httpx.Response) -> None:
        self.missing += self._documented.missing(response)


def model(name: str, **fields: object) -> object:
    """Return an instance of a generated model, made of what would be its JSON."""
    return getattr(import_module(f"{PACKAGE}.models"), name).from_dict(fields)


@contextmanager
def logged_in(served: Serving, documented: Documented, email: str) -> Iterator[Session]:
    with Session(served.url, documented) as anybody:
        login = anybody.call("auth.log_in", body=model("Login", email=email, password=PASSWORD))
    assert login.status_code == 200
    with Session(served.url, documented, login.parsed.access_token) as session:
        yield session


@pytest.fixture(scope="module")
def admin(generated: Path, served: Serving, documented: Documented) -> Iterator[Session]:
    with logged_in(served, documented, EMAIL) as session:
        yield session


@pytest.fixture(scope="module")
def stranger(admin: Session, served: Serving, documented: Documented) -> Iterator[Session]:
    """An interviewer who takes part in nothing."""
    body = model("UserCreate", email="grace@example.com", role="interviewer", password=PASSWORD)
    assert admin.call("users.create_user", body=body).status_code == 201
    with logged_in(served, documented, "grace@example.com") as session:
        yield session


def an_interview(admin: Session) -> Any:
    body = model("InterviewCreate", title="Backend", interview_type="technical", scheduled_at="2030-03-01T09:30:00Z")
    created = admin.call("interviews.create_interview", body=body)
    assert created.status_code == 201
    return created.parsed


def test_no_warning(generation: tuple[Path, str]) -> None:
    """The generator understands the whole document."""
    _, said = generation
    assert [line for line in said.splitlines() if "warning" in line.lower() or "unable" in line.lower()] == []


def test_every_operation_is_generated(generated: Path, documented: Documented) -> None:
    """Nothing that the document describes is left out, and each module can be imported."""
    modules = {path.stem: path for path in generated.glob("api/*/*.py") if path.stem != "__init__"}
    assert modules.keys() == documented.operation_ids()
    for name, path in modules.items():
        assert hasattr(import_module(f"{PACKAGE}.api.{path.parent.name}.{name}"), "sync_detailed"), name


def test_list(admin: Session) -> None:
    """A page has what was created, as an object with typed fields."""
    interview = an_interview(admin)
    page = admin.call("interviews.list_interviews", limit=100).parsed
    assert interview.id in {item.id for item in page.items}
    assert page.total >= 1


def test_lifecycle(admin: Session) -> None:
    """An interview is created, started and completed, with the tag of each answer in the next request."""
    interview = an_interview(admin)
    tag = admin.call("interviews.read_interview", interview.id).headers["etag"]
    for status in ("ongoing", "completed"):
        body = model("StatusChange", status=status)
        changed = admin.call("interviews.change_status", interview.id, body=body, if_match=tag)
        assert (changed.status_code, changed.parsed.status) == (200, status)
        tag = changed.headers["etag"]


def test_not_modified(admin: Session) -> None:
    """A caller who has the current state is answered 304."""
    interview = an_interview(admin)
    tag = admin.call("interviews.read_interview", interview.id).headers["etag"]
    assert admin.call("interviews.read_interview", interview.id, if_none_match=tag).status_code == 304


@pytest.mark.parametrize("operation", ["interviews.update_interview", "interviews.change_status"])
def test_precondition(admin: Session, operation: str) -> None:
    """A stale tag is refused with a typed problem."""
    interview = an_interview(admin)
    body = model("StatusChange", status="ongoing") if "status" in operation else model("InterviewUpdate", title="Other")
    refused = admin.call(operation, interview.id, body=body, if_match='"0"')
    assert (refused.status_code, refused.parsed.code) == (412, "precondition_failed")


def test_forbidden(admin: Session, stranger: Session) -> None:
    """Somebody who takes no part is refused with a typed problem."""
    refused = stranger.call("interviews.read_interview", an_interview(admin).id)
    assert (refused.status_code, refused.parsed.code) == (403, "not_a_participant")


def test_every_answer_was_documented(
    admin: Session, stranger: Session, served: Serving, documented: Documented
) -> None:
    """No answer to these sessions had a status or a header that the document doesn't list."""
    interview = an_interview(admin)
    admin.call("interviews.list_interviews")
    stranger.call("interviews.read_interview", interview.id)
    assert admin.missing + stranger.missing == []
