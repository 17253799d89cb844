#!/usr/bin/env bash
# The pipeline's figures on a real broker, beside a bare relay on the same broker: benchmarks/README.md.
#   bash benchmarks/run.sh                     less than three minutes; PASSFLOW_BENCH_LONG=1: four rounds,
#                                             each on a new broker, with one report at the end
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
# The logs of the last round stay, the rest goes: state and broker are bounded by one round (under 3 GB).
keep_logs() { cp "$work"/*/*.log benchmarks/results/ 2>/dev/null || true; }
trap 'keep_logs; rm -rf "$work"' EXIT
export PASSFLOW_BENCH_COLLECT=$work PASSFLOW_BENCH_WORK=$work/round
if [ -n "${KAFKA_BOOTSTRAP:-}" ]; then
  # A broker of somebody else's is not emptied: one round.
  mkdir "$work/round"
  python3 benchmarks/pipeline/run.py
  exit
fi
cluster=${PASSFLOW_CLUSTER:-../shared/kafka/cluster}
[ -x "$cluster" ] || { echo "run.sh: set KAFKA_BOOTSTRAP, or PASSFLOW_CLUSTER to the cluster script" >&2; exit 2; }
rounds=${PASSFLOW_BENCH_ROUNDS:-1}
[ "${PASSFLOW_BENCH_LONG:-}" = 1 ] && rounds=4
for ((round = 1; round <= rounds; round++)); do
  rm -rf "$work/round"
  mkdir "$work/round"
  "$cluster" run --brokers 1 --port auto --dir "$work/kafka" --while-pid $$ -- python3 benchmarks/pipeline/run.py
done
