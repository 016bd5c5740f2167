"""The comparison of answers with the document notices what is missing."""

import pytest
from documented import Documented

DOCUMENT = {
    "paths": {
        "/notes/{note_id}": {"get": {"responses": {"200": {"headers": {"ETag": {}}}}}},
        "/notes/mine": {"get": {"responses": {"200": {"$ref": "#/components/responses/Own"}}}},
    },
    "components": {"responses": {"Own": {"headers": {"Link": {}}}}},
}


@pytest.mark.parametrize(
    ("method", "path", "status", "header", "faults"),
    [
        pytest.param("GET", "/notes/7", 200, "etag", set(), id="documented"),
        pytest.param("HEAD", "/notes/7", 200, "Content-Length", set(), id="head"),
        pytest.param("GET", "/notes/mine", 200, "Link", set(), id="more_specific_path"),
        pytest.param("GET", "/notes/7", 404, "ETag", {"GET /notes/{note_id} 404 is not documented"}, id="status"),
        pytest.param("PUT", "/notes/7", 200, "ETag", {"PUT /notes/7 200 is not documented"}, id="operation"),
        pytest.param(
            "GET", "/notes/7", 200, "Link", {"GET /notes/{note_id} 200: the header link is not documented"}, id="header"
        ),
    ],
)
def test_faults(method: str, path: str, status: int, header: str, faults: set[str]) -> None:
    """Each status and header that the document doesn't list for an operation is named."""
    assert Documented(DOCUMENT).faults(method, path, status, [header]) == faults
