#!/usr/bin/env bash
# The pipeline's figures on a real broker, beside a bare relay on the same broker: benchmarks/README.md.
#   bash benchmarks/run.sh                     about two minutes; PASSFLOW_BENCH_LONG=1 the long form
# KAFKA_BOOTSTRAP: a broker of your own, without PassFlow's topics. Without it one broker is started with the
# script PASSFLOW_CLUSTER (../shared/kafka/cluster), its data in memory, and destroyed afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${PASSFLOW_BIN_DIR:-.build/release}
for program in passflow passflow-ingest passflow-enrich passflow-evaluate passflow-apply PipelineBench RelayBench; do
  [ -x "$bin/$program" ] || { swift build -c release; break; }
done
base=/dev/shm
[ -d "$base" ] && [ -w "$base" ] || base=${TMPDIR:-/tmp}
work=$(mktemp -d "$base/passflow-bench.XXXXXX")
mkdir -p benchmarks/results
# The logs stay, the rest goes.
trap 'cp "$work"/*.log benchmarks/results/ 2>/dev/null || true; rm -rf "$work"' EXIT
export PASSFLOW_BENCH_WORK=$work
if [ -n "${KAFKA_BOOTSTRAP:-}" ]; then
  python3 benchmarks/pipeline/run.py
  exit
fi
cluster=${PASSFLOW_CLUSTER:-../shared/kafka/cluster}
[ -x "$cluster" ] || { echo "run.sh: set KAFKA_BOOTSTRAP, or PASSFLOW_CLUSTER to the cluster script" >&2; exit 2; }
"$cluster" run --brokers 1 --port auto --dir "$work/kafka" --while-pid $$ -- python3 benchmarks/pipeline/run.py
