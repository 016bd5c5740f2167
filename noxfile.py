"""The sessions that check the workspace: `nox -l` lists them, plain `nox` runs what CI runs.

Each session installs through uv, which reads the pinned versions from the root pyproject.toml.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Check = Callable[[nox.Session, "Package"], None]

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
if len(sys.argv) == 1:
    # Installing, building, mypy and the end of each test run keep one core busy: plain `nox` has another session beside
    # them. Sessions that are asked for run one after the other and show their output as it comes.
    nox.options.allow_parallel, nox.options.parallel = True, 2
# A session starts several processes that import the same: without bytecode on disk each compiles it for two seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parent
WORKSPACE = nox.project.load_toml(ROOT / "pyproject.toml")
LOWEST = ("--resolution=lowest-direct",)
# A peer in benchmarks.
BEANIE = ("beanie>=2.2,<3", "fastapi", "pyjwt>=2.15", "uvicorn", "uvloop", "httptools")
EVE = ("eve>=2.3,<3", "gunicorn>=23", "pyjwt>=2.15")

# Imports a distribution's package and all its entry points.
IMPORT_ALL = """
import sys
from importlib import import_module, metadata

distribution = metadata.distribution(sys.argv[1])
import_module(sys.argv[1].replace("-", "_"))
print(sorted(entry.name for entry in distribution.entry_points if entry.load()))
"""


@dataclass(frozen=True)
class Package:
    """A distribution of the workspace, as its pyproject.toml describes it."""

    key: str
    path: Path
    toml: dict[str, Any]

    @property
    def name(self) -> str:
        """The distribution's name."""
        return str(self.toml["project"]["name"])

    @property
    def module(self) -> str:
        """The name of its Python package."""
        return self.name.replace("-", "_")

    @property
    def version(self) -> str:
        """The version of its next release."""
        return str(self.toml["project"]["version"])

    @property
    def requirements(self) -> list[str]:
        """Its requirements at run time, those of its extras included."""
        project = self.toml["project"]
        return [*project["dependencies"], *_values(project.get("optional-dependencies", {}))]

    def siblings(self) -> Iterator[Package]:
        """Yield the packages of the workspace that it needs, directly or through others."""
        # An extra may ask for another extra of its own package.
        names = {_name(requirement) for requirement in self.requirements} - {self.name}
        direct = [package for package in PACKAGES if package.name in names]
        found = {package.key: package for one in direct for package in (one, *one.siblings())}
        yield from found.values()


def _name(requirement: str) -> str:
    """Return the name of the distribution that a requirement names."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    if not found:
        message = f"not a requirement: {requirement}"
        raise ValueError(message)
    return found[0].lower()


def _values(groups: dict[str, list[str]]) -> Iterator[str]:
    for requirements in groups.values():
        yield from requirements


def _load(path: Path) -> Package:
    return Package(path.name, path, nox.project.load_toml(path / "pyproject.toml"))


PACKAGES = [_load(file.parent) for file in sorted(ROOT.glob("packages/*/pyproject.toml"))]
PACKAGES = sorted(PACKAGES, key=lambda package: len(list(package.siblings())))  # the lowest layer first
EXAMPLES = [_load(file.parent) for file in sorted(ROOT.glob("examples/*/pyproject.toml"))]


def per_package(task: str, menu: str, *, default: bool = True) -> Callable[[Check], None]:
    """Register a session `<task>-<package>` for each package, with both words as tags and `menu` as its description."""

    def register(check: Check) -> None:
        for package in PACKAGES:
            session = _session(check, package, menu)
            nox.session(name=f"{task}-{package.key}", tags=[task, package.key], default=default)(session)

    return register


def _session(check: Check, package: Package, menu: str) -> Callable[[nox.Session], None]:
    def session(session: nox.Session) -> None:
        check(session, package)

    session.__doc__ = menu.format(package=package.name)
    return session


def _install(session: nox.Session, *packages: Package, groups: Sequence[str] = (), options: Sequence[str] = ()) -> None:
    """Build and install packages of the workspace, and install dependency groups."""
    paths = [str(package.path) for package in packages]
    session.install("--no-sources", *options, *paths, *(f"--group={group}" for group in groups))


def _editable() -> list[str]:
    return [part for package in PACKAGES for part in ("--editable", str(package.path))]


def _mypy(session: nox.Session, *paths: str) -> None:
    """Run mypy with a cache of the session's own: each has other packages installed, and two run at a time."""
    session.run("mypy", f"--cache-dir=.mypy_cache/{session.name}", *paths, *session.posargs)


def _pytest(session: nox.Session, *default: str, is_parallel: bool = False) -> None:
    """Run pytest with the arguments of the command line; without a path among them, on the default paths.

    In parallel it runs in two processes, which nearly halves the time on the 2 cores of CI: a test and its MongoDB keep
    about one busy. Each process has a MongoDB of its own, and the tests of a file run in one, in their order.
    """
    chosen = any(Path(argument.partition("::")[0]).exists() for argument in session.posargs)
    options = ("--numprocesses=2", "--dist=loadfile") if is_parallel else ()
    session.run("pytest", *options, *(() if chosen else default), *session.posargs)


def _test_group(package: Package) -> str:
    return f"{package.path / 'pyproject.toml'}:test"


def _existing(*paths: Path) -> list[str]:
    return [str(path) for path in paths if path.exists()]


def _all_tests() -> list[str]:
    return _existing(*(package.path / "tests" for package in PACKAGES), ROOT / "tests")


@nox.session(tags=["lint"])
def lint(session: nox.Session) -> None:
    """Ruff's rules and format, and the subjects of new commits."""
    session.install("--group=lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("python", ".ci/commit_subjects.py")


@nox.session(tags=["imports"])
def imports(session: nox.Session) -> None:
    """Contracts: which modules may import which."""
    session.install("--group=imports")
    session.install("--no-sources", "--no-deps", *_editable())
    session.run("lint-imports", *session.posargs)


@per_package("types", "Strict mypy on {package} and its tests.")
def types_of(session: nox.Session, package: Package) -> None:
    """Check one package's types against its installed siblings."""
    _install(session, package, *package.siblings(), groups=("types", _test_group(package)))
    _mypy(session, *_existing(package.path / "src", package.path / "tests"))


@nox.session(tags=["types"])
def types(session: nox.Session) -> None:
    """Strict mypy on what belongs to no package: root tests, benchmarks, examples, this file."""
    _install(session, *PACKAGES, groups=("types", "test", "nox", "deploy"))
    folders = _existing(*(ROOT / name for name in (".ci", "tests", "benchmarks", "examples", "templates")))
    _mypy(session, "noxfile.py", *folders)


@per_package("tests", "The tests of {package}, with only its own requirements installed.")
def tests_of(session: nox.Session, package: Package) -> None:
    """Test one package in isolation."""
    _install(session, package, *package.siblings(), groups=(_test_group(package), "parallel"))
    _pytest(session, str(package.path / "tests"), is_parallel=True)


@per_package("build", "Build {package}, install its wheel, check both archives.")
def build_of(session: nox.Session, package: Package) -> None:
    """Build one package."""
    _build(session, package)


@nox.session(tags=["tests"])
def tests(session: nox.Session) -> None:
    """The tests of all packages together: wiring, journeys, races, access matrix."""
    _install(session, *PACKAGES, groups=("test", "parallel"))
    _pytest(session, "tests", "--ignore=tests/docs", "--ignore=tests/deploy", is_parallel=True)


@nox.session(tags=["tests"])
def deploy(session: nox.Session) -> None:
    """The files in deploy/: others' tools take them, and they close what they promise to close."""
    _install(session, *PACKAGES, groups=("test", "deploy"))
    _pytest(session, "tests/deploy")


@nox.session(tags=["tests"])
def examples(session: nox.Session) -> None:
    """The tests of the examples, which would be part of every application if `tests` installed them."""
    _install(session, *PACKAGES, *EXAMPLES, groups=("test", "parallel"))
    _pytest(session, "examples", is_parallel=True)


@nox.session(tags=["docs"])
def docs(session: nox.Session) -> None:
    """The documentation: its snippets run, its generated pages are current."""
    _install(session, *PACKAGES, groups=("test", "parallel"))
    policy = session.run("parley", "policy", silent=True, stderr=None)
    if policy != (ROOT / "docs" / "policy.md").read_text(encoding="utf-8"):
        session.error("docs/policy.md is not current: uv run --all-packages parley policy > docs/policy.md")
    _pytest(session, "tests/docs", is_parallel=True)


def under_fire(name: str, menu: str, *, budget: int) -> None:
    """Register the session of a run in tests/fire: `nox -s <name> -- --budget 100 --seed 2`, or its full budget."""

    def run(session: nox.Session) -> None:
        _install(session, *PACKAGES, groups=("test", *map(_test_group, PACKAGES)))
        _pytest(session, f"tests/fire/test_{name}.py", f"--budget={budget}")

    run.__doc__ = menu
    nox.session(name=name, default=False)(run)


under_fire("fuzz", "50,000 requests of a fuzzer and a corpus, as each role: no 5xx, all documented.", budget=50_000)
under_fire("races", "200,000 requests of many people at once: each answer fits an order of them.", budget=200_000)
under_fire("soak", "200,000 mixed requests beside 100 streams: memory and descriptors stay.", budget=200_000)


@nox.session(default=False)
def chaos(session: nox.Session) -> None:
    """Failures at full size: MongoDB is killed 100 times, workers at each command, for an hour or more."""
    _install(session, *PACKAGES, groups=("test", *map(_test_group, PACKAGES)))
    fire, everything = ROOT / "tests" / "fire", ("-m", "chaos or not chaos", "-rs")
    if session.posargs:
        _pytest(session, *map(str, sorted(fire.glob("test_chaos*.py"))), *everything)
        return
    for name, budget in (("", 100), ("_points", 1000), ("_members", 20), ("_lines", 50), ("_disk", 5)):
        _pytest(session, str(fire / f"test_chaos{name}.py"), f"--budget={budget}", *everything)
    for name in ("_log", "_controls"):
        _pytest(session, str(fire / f"test_chaos{name}.py"), *everything)
    _pytest(session, *_all_tests(), f"--ignore={fire}", "-m", "chaos")


@nox.session(default=False)
def attacks(session: nox.Session) -> None:
    """Attacks and races at their full counts: 10,000 mutated tokens, 200 rounds of each revocation."""
    _install(session, *PACKAGES, groups=("test", *map(_test_group, PACKAGES)))
    session.env["TESTS_COUNTS"] = "full"
    _pytest(session, *_all_tests(), "-m", "attack")


@nox.session(default=False)
def console(session: nox.Session) -> None:
    """The console in Chromium, also behind nginx: each page and state, light and dark, narrow and wide."""
    _install(session, *PACKAGES, groups=("test", "parallel"))
    _pytest(session, "tests/console", "-rs", "-m", "console or not console", is_parallel=True)


@nox.session(default=False)
def screenshots(session: nox.Session) -> None:
    """Take the pictures of the documentation anew, from `parley demo`."""
    _install(session, *PACKAGES, groups=("test",))
    _pytest(session, "tests/console/take_screenshots.py", "-rs")


@nox.session(default=False)
def coherence(session: nox.Session) -> None:
    """200,000 writes and reads through three workers: no cached read is stale; then all tests without a cache."""
    _install(session, *PACKAGES, groups=("test",))
    _pytest(session, "tests/fire/test_coherence.py", "--budget=200000")
    # The API's promises also hold without the cache, and with several workers and a cache in each.
    others = [f"--ignore=tests/{name}" for name in ("docs", "fire", "test_cache.py")]
    session.run("pytest", "tests", *others, env={"TESTS_CACHE": "off"})
    session.run("pytest", "tests", *others, env={"TESTS_WORKERS": "2"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure against baselines and peers, into benchmarks/RESULTS.md; `-- --against REV`: against a commit only."""
    _install(session, *PACKAGES, groups=("bench", "test"))
    if any(argument.startswith("--against") for argument in session.posargs):
        session.run("python", "-m", "benchmarks.run", *session.posargs)
        return
    folder = Path(session.create_tmp()).resolve()
    session.env["BENCH_EVE_PYTHON"] = str(_apart(session, folder / "eve", *EVE))
    session.env["BENCH_BEANIE_PYTHON"] = str(_apart(session, folder / "beanie", *BEANIE))
    if shutil.which("npm"):
        session.env["BENCH_FASTIFY_DIR"] = str(folder / "fastify")
        packages = ("fastify@5", "@fastify/jwt@10", "mongodb@7")
        session.run("npm", "install", "--silent", f"--prefix={folder / 'fastify'}", *packages, external=True)
    session.run("python", "-m", "benchmarks.run", *session.posargs)
    for script in ("messages", "logins", "log", "webhooks", "keys", "refused", "search", "telemetry"):
        session.run("python", "-m", f"benchmarks.{script}")


def _apart(session: nox.Session, folder: Path, *requirements: str) -> Path:
    """Return the interpreter of an environment of its own, for what needs other versions than the project."""
    python = folder / "bin" / "python"
    if not python.exists():
        session.run("uv", "venv", "--quiet", str(folder), external=True)
    with tempfile.TemporaryDirectory() as outside, session.chdir(outside):  # the pins don't apply there
        session.run("uv", "pip", "install", "--quiet", f"--python={python}", *requirements, external=True)
    return python


@nox.session(default=False)
def clients(session: nox.Session) -> None:
    """Generators, linters and a fuzzer that others wrote, on the OpenAPI document and against a running server."""
    _install(session, *PACKAGES, groups=("test", "clients"))
    folder, tools = Path(session.create_tmp()).resolve(), ROOT / "tests" / "clients"
    python = _apart(session, folder / "python", f"--requirements={tools / 'requirements.txt'}")
    session.env["CLIENTS_PYTHON_TOOLS"] = str(python.parent)
    if shutil.which("npm"):
        (folder / "node").mkdir(exist_ok=True)
        shutil.copy(tools / "package.json", folder / "node")
        options = ("--silent", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")
        session.run("npm", "install", *options, f"--prefix={folder / 'node'}", external=True)
        session.env["CLIENTS_NODE_TOOLS"] = str(folder / "node" / "node_modules" / ".bin")
    _pytest(session, "tests/clients", "-rs")


@nox.session(default=False)
def image(session: nox.Session) -> None:
    """Build the image and run it, alone and as compose.yaml does; needs root, and Debian's buildah and debootstrap."""
    _install(session, *PACKAGES, groups=("test", "deploy"))
    folder = Path(session.create_tmp()).resolve()
    if shutil.which("npm"):
        options = ("--silent", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")
        session.run("npm", "install", *options, f"--prefix={folder / 'node'}", "mongosh@2", external=True)
    session.env["IMAGE_TOOLS"] = str(folder)
    _pytest(session, "tests/deploy", "-rs")


@nox.session(name="last-release", default=False)
def last_release(session: nox.Session) -> None:
    """The last release, as the changelogs name its commits, beside this one on one database."""
    released = [(package, commit) for package in PACKAGES if (commit := _last_commit(package))]
    for commit in {commit for _, commit in released}:
        found = session.run(
            "git", "cat-file", "-t", commit, external=True, silent=True, stderr=None, success_codes=[0, 128]
        )
        if (found or "").strip() != "commit":
            session.skip(f"this clone doesn't contain commit {commit} of the last release: git fetch --unshallow")
    folder = Path(session.create_tmp()).resolve() / "last-release"
    shutil.rmtree(folder, ignore_errors=True)
    wheels = [str(_wheel_at(session, package, commit, folder)) for package, commit in released]
    python = folder / "venv" / "bin" / "python"
    session.run("uv", "venv", "--quiet", str(python.parents[1]), external=True)
    with session.chdir(folder / released[0][1]):  # where that release's pins apply
        session.run("uv", "pip", "install", "--quiet", f"--python={python}", *wheels, external=True)
    _install(session, *PACKAGES, groups=("test",))
    session.env["LAST_RELEASE_PARLEY"] = str(python.with_name("parley"))
    _pytest(session, "tests/test_last_release.py", "-rs")


def _last_commit(package: Package) -> str | None:
    """Return the commit of a package's last release; None before its first one."""
    changes = (package.path / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"^Tag `[^`]+`, commit `([0-9a-f]{40})`", changes, re.MULTILINE)
    return found[1] if found else None


def _wheel_at(session: nox.Session, package: Package, commit: str, folder: Path) -> Path:
    """Build a package as it was in a commit; return its wheel."""
    tree, built = folder / commit, folder / "dist" / package.key
    if not tree.exists():
        tree.mkdir(parents=True)
        session.run("git", "archive", f"--output={folder / 'tree.tar'}", commit, external=True)
        shutil.unpack_archive(folder / "tree.tar", tree, filter="data")
    path = tree / package.path.relative_to(ROOT)
    with session.chdir(tree):
        command = ("uv", "build", "--quiet", "--wheel", "--no-sources")
        session.run(*command, f"--out-dir={built}", str(path), external=True)
    return next(built.glob("*.whl"))


@nox.session(default=False)
def cover(session: nox.Session) -> None:
    """Run all tests and print the lines that they don't run."""
    session.install("--no-sources", *_editable(), "--group=test", "--group=cover")
    session.env["COVERAGE_FILE"] = str(Path(session.create_tmp()) / "coverage")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *_all_tests(), *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session(name="new-package", default=False)
def new_package(session: nox.Session) -> None:
    """Write a package from the template: `nox -s new-package -- labels` (irregular plural: `-- feedback entry`)."""
    session.install("--group=lint")
    session.run("python", "templates/new_package.py", *session.posargs)
    folder = f"packages/{session.posargs[0]}"
    session.run("ruff", "check", "--quiet", "--fix", folder)
    session.run("ruff", "format", "--quiet", folder)
    session.log(f"{folder} is complete: uvx nox -s tests-{session.posargs[0]}. To ship it, require it in packages/app.")


@nox.session(default=False, venv_backend="none")
def lock(session: nox.Session) -> None:
    """Pin the newest versions of everything in pyproject.toml."""
    wanted, builders = (
        list(_values(WORKSPACE["dependency-groups"])),
        ["editables"],
    )  # hatchling's, for editable installs
    for package in PACKAGES:
        wanted += [*package.requirements, *_values(package.toml["dependency-groups"])]
        builders += package.toml["build-system"]["requires"]
    _pin("constraint-dependencies", _resolve(session, wanted))
    _pin("build-constraint-dependencies", _resolve(session, builders))


@nox.session(default=False)
def newest(session: nox.Session) -> None:
    """All tests on the newest releases of everything; pins and upper bounds don't count."""
    with tempfile.TemporaryDirectory() as outside, session.chdir(outside):  # the pins don't apply there
        Path("unbound.txt").write_text("\n".join(_unbound()), encoding="utf-8")
        groups = [f"{ROOT / 'pyproject.toml'}:test", *map(_test_group, PACKAGES)]
        _install(session, *PACKAGES, groups=groups, options=("--upgrade", "--overrides=unbound.txt"))
    try:
        _pytest(session, *_all_tests(), "--ignore=tests/docs")
    finally:
        found = session.run("uv", "pip", "freeze", "--exclude-editable", external=True, silent=True)
        session.log(f"tested on:\n{found}")


def _unbound() -> set[str]:
    """Return what the packages require from outside of the workspace, without its bounds."""
    required = {requirement for package in PACKAGES for requirement in package.requirements}
    siblings = {package.name for package in PACKAGES}
    outer = [requirement for requirement in required if _name(requirement) not in siblings]
    return {re.sub(r"^([\w.-]+(?:\[.*?\])?)[^;]*", r"\1 ", requirement) for requirement in outer}


@per_package("minimums", "The tests of {package} on the lowest versions that it admits.", default=False)
def minimums_of(session: nox.Session, package: Package) -> None:
    """Test one package on its lower bounds."""
    with tempfile.TemporaryDirectory() as outside, session.chdir(outside):  # the pins don't apply there
        _install(session, package, *package.siblings(), groups=(_test_group(package),), options=LOWEST)
    _pytest(session, str(package.path / "tests"))


@per_package("release", "Build {package} as for a release and print its tag; upload nothing.", default=False)
def release_of(session: nox.Session, package: Package) -> None:
    """Check that one package is ready for a release."""
    tag = f"{package.name}-v{package.version}"
    if f"## [{package.version}]" not in (package.path / "CHANGELOG.md").read_text(encoding="utf-8"):
        session.error(f"the changelog of {package.name} has no section [{package.version}]")
    if session.run("git", "tag", "--list", tag, external=True, silent=True):
        session.error(f"{tag} exists: raise the version of {package.name}")
    built = _build(session, package)
    session.log(f"{', '.join(path.name for path in built)} in {built[0].parent}; tag: {tag}")


def _build(session: nox.Session, package: Package) -> list[Path]:
    """Build both archives of a package, check them, install the wheel and import its entry points."""
    folder = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("uv", "build", "--quiet", "--no-sources", f"--out-dir={folder}", str(package.path), external=True)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    if f"{package.module}/py.typed" not in zipfile.ZipFile(wheel).namelist():
        session.error(f"{wheel.name} has no py.typed")
    session.install("--no-sources", str(wheel), *(str(sibling.path) for sibling in package.siblings()))
    session.run("python", "-c", IMPORT_ALL, package.name)
    session.install("--group=build")
    session.run("twine", "check", "--strict", str(wheel), str(sdist))
    session.run("check-wheel-contents", str(wheel))
    return [wheel, sdist]


def _resolve(session: nox.Session, requirements: list[str]) -> list[str]:
    """Return the newest versions of all outside packages that these requirements need, on every platform."""
    siblings = {package.name for package in PACKAGES}
    outer = [requirement for requirement in requirements if _name(requirement) not in siblings]
    with tempfile.TemporaryDirectory() as outside, session.chdir(outside):  # the old pins don't apply there
        Path("requirements.in").write_text("\n".join(outer), encoding="utf-8")
        command = ("uv", "pip", "compile", "--quiet", "--universal", "--no-header", "--no-annotate")
        lowest = WORKSPACE["project"]["requires-python"].removeprefix(">=")
        session.run(*command, f"--python-version={lowest}", "--output-file=pins.txt", "requirements.in", external=True)
        return Path("pins.txt").read_text(encoding="utf-8").splitlines()


def _pin(key: str, pins: list[str]) -> None:
    """Replace one list of pins in the root pyproject.toml."""
    path = ROOT / "pyproject.toml"
    lines = "".join(f'    "{pin}",\n' for pin in pins)
    text, found = re.subn(rf"(?ms)^{key} = \[\n.*?^\]", f"{key} = [\n{lines}]", path.read_text(encoding="utf-8"))
    if found != 1:
        message = f"pyproject.toml has {found} lists {key}"
        raise ValueError(message)
    path.write_text(text, encoding="utf-8")
