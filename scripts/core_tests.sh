#!/bin/sh
# The core's tests on every other supported Python: core_tests.sh PYTHON_OF_THE_MAIN_TESTS JOBS
#
# Installed as a user would (built, not linked, without the extras), so that a file missing from the package fails here.
# Where an interpreter is not on this computer, pip must at least find a set of packages for it.
set -eu
main=$1
jobs=$2
done_already=$("$main" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
core="tests/batch tests/cli tests/detect tests/faces tests/media tests/models"
single=$(ls tests/test_*.py)

failed=0

find_python() { # a command that exists need not run: version managers leave stand-ins
    for candidate in "python$1" "$(pyenv root 2>/dev/null)"/versions/"$1".*/bin/python; do
        if "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

for version in 3.11 3.12 3.13; do
    [ "$version" = "$done_already" ] && continue
    python=$(find_python "$version")
    if [ -z "$python" ]; then
        echo "== Python $version is not here: resolving only"
        "$main" -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]))' |
            "$main" -m pip install --quiet --disable-pip-version-check --dry-run --ignore-installed \
                --python-version "$version" --only-binary=:all: --target /nonexistent -r /dev/stdin
        continue
    fi
    echo "== core on Python $version"
    venv=.venv-core-$version
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check . \
        pytest pytest-xdist hypothesis onnx scikit-image
    # shellcheck disable=SC2086 # two lists of paths
    "$venv/bin/python" -m pytest -n "$jobs" -p no:cacheprovider -m "not slow" $core $single || failed=1
done
exit $failed
