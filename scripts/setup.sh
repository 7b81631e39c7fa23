#!/bin/sh
# setup.sh [run|test]: find a Python that is new enough, then let environment.py check and install,
# and web_parts.py bring what the pages take from npm.
set -eu
cd "$(dirname "$0")/.."

for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        "$python" scripts/environment.py "${1:-run}"
        exec "$python" scripts/web_parts.py "${1:-run}"
    fi
done
echo "setup: needs Python 3.11 or newer: 'apt-get install python3 python3-venv' (Debian 12 or later)," \
    "or name one: make PYTHON=/path/to/python3.11 ${1:-run}" >&2
exit 1
