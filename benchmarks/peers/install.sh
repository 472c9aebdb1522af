#!/usr/bin/env bash
# install.sh FOLDER SYSTEM...: gives each system an environment of its own in FOLDER, for run.py with TAMIS_PEERS=FOLDER.
# Systems: baseline autogluon flaml h2o lightautoml mljar tpot autosklearn. H2O needs Java; auto-sklearn needs swig and
# a Python 3.9, named by PYTHON39. PIP_CONSTRAINT may name a file that pins a build of torch without CUDA.
set -eu
folder=$1
shift
declare -A packages=(
  [baseline]="scikit-learn pandas"
  [autogluon]="autogluon.tabular[all] autogluon.tabular[tabm]"
  [flaml]="flaml[automl,catboost] pandas"
  [h2o]="h2o pandas polars pyarrow"
  [lightautoml]="lightautoml"
  [mljar]="mljar-supervised pandas<3"
  [tpot]="tpot scikit-learn<1.8 pandas<3"
)
for system in "$@"; do
  place=$folder/$system
  if [ "$system" = autosklearn ]; then
    "${PYTHON39:-python3.9}" -m venv "$place"
    "$place/bin/pip" install -q -U "pip<24.1" wheel "setuptools<60" "cython<3" "numpy<1.24"
    "$place/bin/pip" install -q --no-build-isolation auto-sklearn==0.15.0 "numpy<1.24" "pandas<2" "scipy<1.10"
  elif [ -n "${packages[$system]:-}" ]; then
    python3 -m venv "$place"
    "$place/bin/pip" install -q -U pip wheel "setuptools<81"
    # shellcheck disable=SC2086  # several packages
    "$place/bin/pip" install -q ${packages[$system]}
  else
    echo "unknown system: $system (known: ${!packages[*]} autosklearn)" >&2
    exit 1
  fi
  echo "$system is ready"
done
