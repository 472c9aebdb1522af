#!/usr/bin/env bash
# setup.sh AMLB_FOLDER [VERSION]: installs Tamis into an environment of its own. VERSION is `stable`, a number, or a
# folder that holds a checkout.
HERE=$(dirname "$0")
AMLB_DIR="$1"
VERSION=${2:-"stable"}

. "${AMLB_DIR}/frameworks/shared/setup.sh" "${HERE}" true

if [[ "$VERSION" == "stable" ]]; then
    PIP install --no-cache-dir -U "tamis[all]"
elif [[ -d "$VERSION" ]]; then
    PIP install --no-cache-dir -U "${VERSION}[all]"
else
    PIP install --no-cache-dir -U "tamis[all]==${VERSION}"
fi
PY -c "from tamis import __version__; print(__version__)" >> "${HERE}/.setup/installed"
