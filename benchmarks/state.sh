#!/usr/bin/env bash
# The figures of enrich's state: benchmarks/baselines/2026-11-21-state.md says what each means.
#   bash benchmarks/state.sh            20,000 customers, about two minutes; PASSFLOW_BENCH_LONG=1: a million
# With KAFKA_CLUSTER (the cluster script) the loop beside a bare one follows, on one broker with its data in memory.
set -euo pipefail
cd "$(dirname "$0")/.."
bench=${PASSFLOW_BIN_DIR:-.build/release}/StateBench
[ -x "$bench" ] || swift build -c release --product StateBench
base=/dev/shm
[ -d "$base" ] && [ -w "$base" ] || base=${TMPDIR:-/tmp}
work=$(mktemp -d "$base/passflow-state.XXXXXX")
trap 'rm -rf "$work"' EXIT
customers=20000 snapshots=200000
[ "${PASSFLOW_BENCH_LONG:-}" = 1 ] && customers=1000000 snapshots=1000000
mkdir "$work/ten" "$work/one"
echo "ten orders each of 20,000 customers"
"$bench" fill "$work/ten" 20000 10
rm -rf "$work/ten"
echo "one order each of $customers customers, then $snapshots snapshots by Zipf's law"
"$bench" fill "$work/one" "$customers" 1
"$bench" zipf "$work/one" "$customers" "$snapshots"
"$bench" reopen "$work/one"
"$bench" dump "$work/one"
"$bench" restore "$work/one"
rm -rf "$work/one"
[ -n "${KAFKA_CLUSTER:-}" ] || exit 0
export BENCH=$bench WORK=$work
"$KAFKA_CLUSTER" run --brokers 1 --port auto --dir "$work/kafka" --while-pid $$ -- bash -c '
  for round in 1 2 3; do
    for customers in 100000 1000000; do
      for who in bare enrich; do "$BENCH" loop "$KAFKA_BOOTSTRAP" "$WORK" $who $customers 400000 0; done
    done
  done
  for round in 1 2; do
    for rate in 12000 50000; do
      for who in bare enrich; do "$BENCH" loop "$KAFKA_BOOTSTRAP" "$WORK" $who 100000 $((rate * 12)) $rate; done
    done
  done'
