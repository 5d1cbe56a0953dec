#!/bin/sh
# Says what is missing before anything is built: check_python.sh INTERPRETER
python=${1:-python3}
if ! "$python" -c '' 2>/dev/null; then
    echo "no Python: '$python' does not run. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12" >&2
    exit 2
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Python 3.11 or newer is needed, '$python' is $("$python" -V 2>&1). Name a newer one: make PYTHON=/path/to/python3.12" >&2
    exit 2
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "'$python' lacks its venv module. On Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 2
fi
