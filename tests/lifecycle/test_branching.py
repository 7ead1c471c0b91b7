"""What a branch stands for."""

from __future__ import annotations

import pytest

from rondo.lifecycle.branching import Scheme, role_of


@pytest.mark.parametrize(
    ("branch", "scheme", "told"),
    [
        ("main", "git-flow", "production"),
        ("develop", "git-flow", "next release"),
        ("release/1.2", "git-flow", "being prepared"),
        ("hotfix/nan", "git-flow", "mend"),
        ("feature/tickets", "git-flow", "in progress"),
        ("develop/x", "git-flow", "no branch of git-flow"),
        ("playground", "git-flow", "no branch of git-flow"),
        ("main", "trunk-based", "production"),
        ("develop", "trunk-based", "in progress"),
    ],
)
def test_a_branch_is_told_by_the_scheme(branch: str, scheme: Scheme, told: str) -> None:
    assert told in role_of(branch, scheme)
