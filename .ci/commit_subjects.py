"""Check the subjects of new commits: `python .ci/commit_subjects.py` names those that break the rules."""

import re
import subprocess
import sys
from pathlib import Path

# Older commits follow no rule.
BASE = "c32efc9b273348690d94758c2095f18c2075b498"
LONGEST = 72
_FORM = re.compile(r"([a-z][\w.-]*(, [a-z][\w.-]*)*: \S|[A-Z`])")


def faults_of(subject: str) -> list[str]:
    """Return what is wrong with a subject, in words."""
    faults = {
        f"is longer than {LONGEST} characters": len(subject) > LONGEST,
        "ends with a period": subject.endswith("."),
        "starts neither with a capital letter nor with `package: `": not _FORM.match(subject),
    }
    return [fault for fault, is_there in faults.items() if is_there]


def subjects_since(base: str, folder: Path) -> list[str]:
    """Return the subjects of the commits after a commit, merges aside.

    Raises:
        LookupError: there is no git, no history, or it doesn't reach back to that commit.
    """
    command = ("git", "log", "--no-merges", "--format=%s", f"{base}..HEAD")
    try:
        found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise LookupError(str(error)) from error
    if found.returncode:
        raise LookupError(" ".join(found.stderr.split()))
    return found.stdout.splitlines()


def main(folder: Path) -> int:
    """Print the faults and return how many subjects have some."""
    try:
        subjects = subjects_since(BASE, folder)
    except LookupError as error:
        print(f"commit subjects are NOT checked: {error}")
        return 0
    wrong = {subject: faults for subject in subjects if (faults := faults_of(subject))}
    for subject, faults in wrong.items():
        print(f"commit subject '{subject}' {' and '.join(faults)}")
    print(f"{len(subjects)} commit subjects since {BASE[:7]}, {len(wrong)} with faults")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(min(main(Path(__file__).parent), 1))
