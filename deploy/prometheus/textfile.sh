#!/bin/sh
# Writes the metrics of `istio-upgrade check` for the textfile collector of node_exporter:
#
#   textfile.sh FOLDER [FLAG...]
#
# The collector never reads half a file: the metrics replace those of the last run at once. If the check
# fails, the metrics say so. After wrong usage, those of the last run stay, and become old.
set -eu
folder=$1
shift
draft=$(mktemp "$folder/istio_upgrade.XXXXXX")
trap 'rm -f "$draft"' EXIT
code=0
istio-upgrade check "$@" --exit-zero --quiet --output prometheus >"$draft" || code=$?
[ -s "$draft" ] || exit "$code"
chmod 644 "$draft"
mv "$draft" "$folder/istio_upgrade.prom"
exit "$code"
