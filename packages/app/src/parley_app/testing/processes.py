"""Processes of this machine, by /proc."""

from pathlib import Path


def lives(pid: int) -> bool:
    """Return whether a process runs; a zombie doesn't."""
    return _state_and_parent(pid)[0] not in {"", "Z"}


def _state_and_parent(pid: int) -> tuple[str, int]:
    state, parent = (read(pid, "stat").rpartition(")")[2].split() or ["", "0"])[:2]
    return state, int(parent)


def read(pid: int, name: str) -> str:
    """Return a file of a process in /proc, nothing once the process is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(pid: int) -> list[int]:
    """Return the children of a process, and theirs."""
    running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    children = [child for child in running if _state_and_parent(child)[1] == pid]
    return [*children, *(grandchild for child in children for grandchild in descendants(child))]
