#!/bin/sh
# Makes .venv: a Python found here, the locked packages (hashes checked), our members editable.
# Run by `make`; needs nothing but Python 3.11 or newer and its venv module.
set -eu
cd "$(dirname "$0")/.."

# Installs a Debian package when that needs no question asked; else does nothing.
install_quietly() {
    command -v apt-get >/dev/null || return 0
    if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo -n"; else return 0; fi
    echo "installing $* ..."
    $as_root apt-get -q update >/dev/null || true
    DEBIAN_FRONTEND=noninteractive $as_root apt-get -q install -y --no-install-recommends "$@" >/dev/null || true
}

# The system's own comes first where it can make a venv: it is built with profile-guided optimisation, which
# a version manager's mostly is not, and takes a seventh less processor time.
python=""
find_python() {
    for name in /usr/bin/python3 python3.11 python3 python3.12 python3.13 python3.14; do
        case "$name" in /*) needed="sys, venv, ensurepip" ;; *) needed="sys" ;; esac
        if command -v "$name" >/dev/null && "$name" -c "import $needed; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then
            python=$name
            return 0
        fi
    done
    return 1
}

find_python || { install_quietly python3 && find_python; } || {
    echo "Python 3.11 or newer is needed: install it (Debian: apt-get install python3)" >&2
    exit 1
}

if [ ! -x .venv/bin/pip ]; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import venv, ensurepip' 2>/dev/null || install_quietly "python$version-venv"
    "$python" -c 'import venv, ensurepip' 2>/dev/null || {
        echo "Python's venv module is missing: type \`sudo apt-get install python$version-venv\`" >&2
        exit 1
    }
    echo "making .venv with Python $version ..."
    rm -rf .venv
    "$python" -m venv .venv
fi

# uv comes first, by pip, from the same locked list.
locked_uv=$(mktemp)
trap 'rm -f "$locked_uv"' EXIT
awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements.txt >"$locked_uv"
.venv/bin/python -m pip install -q --require-hashes -r "$locked_uv"

echo "installing the locked packages ..."
export VIRTUAL_ENV=.venv UV_PYTHON_DOWNLOADS=never
# uv brings certificates of its own; whom this system trusts (a company's proxy), pip has trusted above.
[ ! -s /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
.venv/bin/uv pip install -q --require-hashes -r requirements.txt
# shellcheck disable=SC2046  # one word per member
.venv/bin/uv pip install -q --no-deps --no-build-isolation \
    $(for member in libs/* services/* cli demo sandbox stack; do [ ! -f "$member/pyproject.toml" ] || printf -- '-e ./%s ' "$member"; done)
touch .venv/ready
