"""A file that isn't a whole backup is refused, and nothing is written: whatever is wrong with it, wherever."""

import io
import json
import random
import tarfile
from collections.abc import Callable

import pytest

from parley_core.backup.archive import ArchiveWriter, ending
from parley_core.backup.errors import UnusableBackup
from parley_core.backup.reading import verified
from parley_core.backup.schemas import newer_than_known
from parley_core.data.stored_format import FORMAT, NUMBER
from parley_core.testing.backups import Copier, contents


@pytest.fixture
async def whole(copier: Copier) -> bytes:
    """A whole backup, with a key, of two collections."""
    await copier.source["things"].insert_many([{"_id": number, "x": "y" * number} for number in range(50)])
    await copier.source["empty"].create_index("a", name="a")
    await copier.back_up(some_key=b"secret")
    with verified(copier.path):
        return copier.path.read_bytes()


def _is_refused(copier: Copier, content: bytes) -> bool:
    copier.path.write_bytes(content)
    try:
        with verified(copier.path):
            return False
    except UnusableBackup:
        return True


async def test_flipped_bytes(copier: Copier, whole: bytes) -> None:
    """Each byte counts: of documents, metadata, manifest, headers, padding and the end."""
    chosen = random.Random(7).sample(range(len(whole)), 300)  # noqa: S311 - the same places each time
    places = sorted({*chosen, *range(0, len(whole), 512), *range(len(whole) - 40, len(whole))})
    missed = [at for at in places if not _is_refused(copier, _flipped(whole, at))]
    assert missed == []
    assert not _is_refused(copier, whole)


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


async def test_cuts(copier: Copier, whole: bytes) -> None:
    places = [*range(0, len(whole), 512), *range(len(whole) - 40, len(whole)), 1, 511, 513]
    assert [at for at in places if not _is_refused(copier, whole[:at])] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole + b"\0",
        lambda whole: whole + whole,
        lambda whole: b"x" + whole,
        lambda whole: whole[:1024] + whole[1536:],
        lambda _: b"not a tar at all" * 1000,
        lambda _: bytes(10240),
        lambda _: b"",
    ],
    ids=["longer", "twice", "shifted", "a hole", "another file", "an empty tar", "nothing"],
)
async def test_other_files(copier: Copier, whole: bytes, change: Callable[[bytes], bytes]) -> None:
    assert _is_refused(copier, change(whole))


async def test_nothing_is_written(copier: Copier, whole: bytes) -> None:
    copier.path.write_bytes(_flipped(whole, len(whole) // 2))
    with pytest.raises(UnusableBackup, match=r"backup\.tar: "):
        await copier.restore()
    assert await contents(copier.target) == {}


def _rewritten(whole: bytes, path: str, change: Callable[[bytes], bytes | None], more: str = "") -> bytes:
    """A backup with one other file, or without it, sealed anew as whoever means ill would do it."""
    file = io.BytesIO()
    writer = ArchiveWriter(file, modified=0)
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        for info in tar.getmembers()[:-1]:
            stored = tar.extractfile(info)
            assert stored
            content: bytes | None = stored.read()
            if info.name == path:
                content = change(content or b"")
            if content is not None:
                writer.add(info.name, content)
    if more:
        writer.add(more, b"more")
    writer.seal()
    return file.getvalue()


def _with(**changes: object) -> Callable[[bytes], bytes]:
    return lambda manifest: json.dumps({**json.loads(manifest), **changes}).encode()


class TestManifests:
    async def test_a_newer_one(self, copier: Copier, whole: bytes) -> None:
        """It is named as such, whatever else it has and wherever the rest of the file is."""
        copier.path.write_bytes(_rewritten(whole, "manifest.json", lambda _: b'{"format": 2, "else": []}'))
        with pytest.raises(UnusableBackup, match="has format 2, and this release reads format 1"):
            await copier.restore()
        assert await contents(copier.target) == {}

    @pytest.mark.parametrize(
        "change",
        [
            _with(documents={"things": 49, "empty": 0}),
            _with(documents={"things": 50}),
            _with(files={}),
            _with(format="1"),
            _with(format=None),
            lambda _: b"{",
            lambda _: b"[" * 100_000,
            lambda _: b"[]",
            lambda _: None,
        ],
        ids=["a count", "a collection", "no files", "a text", "null", "no JSON", "depth", "a list", "none"],
    )
    async def test_wrong_ones(self, copier: Copier, whole: bytes, change: Callable[[bytes], bytes | None]) -> None:
        assert _is_refused(copier, _rewritten(whole, "manifest.json", change))

    async def test_other_files_than_it_says(self, copier: Copier, whole: bytes) -> None:
        things = f"{copier.source.name}/things.bson"
        assert _is_refused(copier, _rewritten(whole, things, lambda _: None))
        assert _is_refused(copier, _rewritten(whole, things, lambda content: content[:-1]))
        assert _is_refused(copier, _rewritten(whole, things, lambda content: content + content))
        assert _is_refused(copier, _rewritten(whole, "keys/some_key", lambda _: b"other"))
        assert _is_refused(copier, _rewritten(whole, "", lambda _: None, more="x/more.bson"))
        # What is written anew as it was passes, so that the above fails for what it says.
        assert not _is_refused(copier, _rewritten(whole, "manifest.json", lambda same: same))

    def test_numbers_of_newer_releases(self) -> None:
        """A floor that this process doesn't know is refused; data of absent plugins is left as it is."""
        known = {"auth": 2}
        assert newer_than_known({FORMAT: NUMBER, "auth": 2, "absent": 7}, known) == []
        assert newer_than_known({FORMAT: NUMBER + 1, "auth": 3}, known) == [
            "auth 3 (this release reads 2)",
            f"{FORMAT} {NUMBER + 1} (this release reads {NUMBER})",
        ]


async def test_a_file_that_changes_after_it_was_verified(copier: Copier, whole: bytes) -> None:
    """Each document is verified again as it is used."""
    with verified(copier.path) as archive:
        at = whole.index(b"yyyyyyyy")
        copier.path.write_bytes(_flipped(whole, at))
        with pytest.raises(UnusableBackup, match=r"things\.bson in the backup isn't what the manifest says"):
            list(archive.documents("things"))


def test_the_ending_has_one_length() -> None:
    assert len(ending("0" * 64)) == len(ending("f" * 64)) == 2048
