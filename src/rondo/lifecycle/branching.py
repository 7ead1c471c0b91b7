"""What a branch of the code stands for under the project's branching scheme. Pure."""

from __future__ import annotations

from typing import Literal

Scheme = Literal["git-flow", "trunk-based"]

_TRUNKS = dict.fromkeys(("main", "master", "trunk"), "the code of production")
_GIT_FLOW = {
    **dict.fromkeys(("main", "master"), "the code of production"),
    "develop": "the next release in the making",
    "release/": "a release being prepared",
    "hotfix/": "a mend of production",
    "support/": "an older release kept alive",
    "feature/": "work in progress, not meant for production",
    "bugfix/": "work in progress, not meant for production",
}


def role_of(branch: str, scheme: Scheme) -> str:
    """What the branch is for, in words."""
    if scheme == "trunk-based":
        return _TRUNKS.get(branch, "work in progress, not meant for production")
    kind = f"{branch.partition('/')[0]}/" if "/" in branch else branch
    return _GIT_FLOW.get(kind, "no branch of git-flow")
