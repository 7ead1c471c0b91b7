#!/bin/sh
# Pins what pyproject.toml asks for, with hashes and for every platform. Run it when a dependency changes.
set -eu
cd "$(dirname "$0")/.."
compile() { "${UV:-.venv/bin/uv}" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header "$@"; }
# The development set is resolved first; the smaller sets are parts of it.
compile pyproject.toml --extra all --group dev -o requirements/dev.txt
compile pyproject.toml --extra train -c requirements/dev.txt -o requirements/train.txt
compile pyproject.toml -c requirements/dev.txt -o requirements/base.txt
compile requirements/uv.in -c requirements/dev.txt -o requirements/uv.txt
