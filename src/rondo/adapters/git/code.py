"""The version of the project's code: the commit and its branch, whether there are changes on top, and their hash."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

# What a run writes by itself says nothing about the code.
_WRITTEN_BY_RUNS = (
    ".dvc",
    ".dvcignore",
    "dvc.lock",
    "dvc.yaml",
    "metrics",
    "reports",
    "feature_repo",
    "build",
    "data",
)


def code_version(folder: Path) -> Mapping[str, str]:
    """`commit` (empty outside git or before the first one), `dirty` (yes, no, unknown), `diff`, a hash, and `branch`.

    The branch is empty where a commit is checked out without one.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": "", "dirty": "unknown", "diff": "", "branch": ""}
    code = [".", *(f":(exclude){path}" for path in _WRITTEN_BY_RUNS)]
    changes = _git(folder, "diff", "HEAD", "--", *code) or ""
    untracked = _git(folder, "ls-files", "--others", "--exclude-standard", "--", *code) or ""
    dirty = bool(changes.strip() or untracked.strip())
    digest = hashlib.sha256(f"{changes}\0{untracked}".encode()).hexdigest()[:16] if dirty else ""
    branch = (_git(folder, "symbolic-ref", "--quiet", "--short", "HEAD") or "").strip()
    return {"commit": commit.strip(), "dirty": "yes" if dirty else "no", "diff": digest, "branch": branch}


def _git(folder: Path, *words: str) -> str | None:
    try:
        ended = subprocess.run(
            ["git", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None
