"""The commands that help with accounts, beside a running `parley serve`."""

import subprocess
from pathlib import Path

import httpx

from parley_app.testing import PARLEY, Serving, environment, parley

EMAIL, OLD, NEW = "recovered@example.com", "nine green bottles", "ten blue bottles"


def post(serving: Serving, path: str, **body: str) -> httpx.Response:
    return httpx.post(f"{serving.url}{path}", json=body, timeout=10)


def set_password(serving: Serving, email: str, password: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [
        PARLEY,
        "set-password",
        "--email",
        email,
        "--password-stdin",
        "--data-dir",
        serving.data_dir,
    ]
    return subprocess.run(
        command, env=environment(), input=password, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_forgotten_password(serving: Serving) -> None:
    """A link and a password from the command line work at once on the server that runs on the data directory."""
    assert post(serving, "/v1/auth/register", email=EMAIL, password=OLD).status_code == 201
    printed = parley("link", "--email", EMAIL, "--data-dir", serving.data_dir)
    assert printed.returncode == 0, printed.stderr
    token = printed.stdout.split("/console#/accept/")[1].strip()
    pair = post(serving, "/v1/auth/accept", token=token, password=NEW)
    assert pair.status_code == 200
    assert set_password(serving, EMAIL, OLD).returncode == 0
    headers = {"Authorization": f"Bearer {pair.json()['access_token']}"}
    assert httpx.get(f"{serving.url}/v1/users/me", headers=headers, timeout=10).status_code == 401
    logins = [post(serving, "/v1/auth/login", email=EMAIL, password=password).status_code for password in (NEW, OLD)]
    assert logins == [401, 200]
    assert token not in serving.logged + printed.stderr


def test_an_unknown_email_is_one_line(serving: Serving) -> None:
    """An e-mail that no account has ends the command with 1 and one line."""
    failed = set_password(serving, "nobody@example.com", NEW)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.splitlines()[-1] == "parley: no account has the e-mail nobody@example.com"
