"""`python -m rondo.cli`: the command line where the `rondo` script is not on the path."""

from __future__ import annotations

from rondo.cli import main

if __name__ == "__main__":
    main()
