#!/usr/bin/env python3
"""`passflow run` held against the independent re-computation in Tests/Oracle: zero differences.

Each check prints one line, `ok NAME` or `FAIL NAME: why`. Seeds come from PASSFLOW_SEED, else the clock, and are
printed. PASSFLOW_TEST_LONG=1 takes more orders and more seeds.
"""
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import stages as common
from stages import SEED, check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PASSFLOW = os.environ.get("PASSFLOW_BIN", os.path.join(ROOT, ".build", "release", "passflow"))
ORACLE = os.path.join(ROOT, "Tests", "Oracle")
LONG = os.environ.get("PASSFLOW_TEST_LONG") == "1"
def tool(*arguments, timeout=900):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ORACLE, capture_output=True, text=True, timeout=timeout)


def trial(orders, reference, out, *more, timeout=600):
    return subprocess.run(
        [PASSFLOW, "run", "--orders", orders, "--reference", reference, "--out", out, *more],
        cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def first_difference(left, right):
    a, b = left.splitlines(), right.splitlines()
    for number, (x, y) in enumerate(zip(a, b), 1):
        if x != y:
            return f"line {number}: trial {x[:160]!r}, oracle {y[:160]!r} ({len(a)} and {len(b)} lines)"
    return None if left == right else f"{len(a)} lines against {len(b)}"


def against_oracle(name, work, orders, reference, dead=None):
    out = os.path.join(work, "out")
    shutil.rmtree(out, ignore_errors=True)
    done = trial(orders, reference, out)
    if done.returncode != 0:
        check(name, f"exit {done.returncode}: {done.stderr[-400:]}")
        return None
    expected = os.path.join(work, "expected.csv")
    oracle = tool("oracle.py", "--orders", orders, "--reference", reference, "--out", expected)
    if oracle.returncode != 0:
        check(name, "oracle failed: " + oracle.stderr[-400:])
        return None
    labels = read(os.path.join(out, "labels.csv"))
    check(name, first_difference(labels, read(expected)))
    summary = json.loads(read(os.path.join(out, "summary.json")))
    with open(orders, "rb") as file:
        lines = sum(1 for line in file if line.strip())
    problem = None
    if summary["read"] != lines:
        problem = f"read {summary['read']} of {lines} lines"
    elif summary["decided"] + summary["dead_lettered"] != lines:
        problem = f"decided {summary['decided']} + dead letters {summary['dead_lettered']} is not {lines}"
    check(name + ": every line has a decision or a dead letter", problem)
    if dead is not None:
        found = {
            json.loads(line)["line"]
            for line in read(os.path.join(out, "dead-letters.ndjson")).decode().splitlines()}
        check(
            name + ": exactly the bad lines are dead letters",
            None if found == dead else f"missing {sorted(dead - found)[:8]}, too many {sorted(found - dead)[:8]}")
    return labels


def shuffled(orders, path, seed):
    lines = read(orders).rstrip(b"\n").split(b"\n")
    random.Random(seed).shuffle(lines)
    with open(path, "wb") as file:
        file.write(b"\n".join(lines) + b"\n")


def generated(seed, count, work):
    folder = os.path.join(work, f"seed-{seed}")
    os.makedirs(folder)
    orders, reference = os.path.join(folder, "orders.ndjson"), os.path.join(folder, "reference")
    made = tool("generate.py", "--seed", str(seed), "--orders", str(count), "--out", orders,
                "--reference", reference, "--bad")
    if made.returncode != 0:
        check(f"seed {seed}", "generator failed: " + made.stderr[-400:])
        return
    sidecar = orders + ".bad.json"
    dead = {int(line) for line in json.loads(read(sidecar))["refused"]}
    ordered = against_oracle(f"generated orders, seed {seed}, {count} orders", folder, orders, reference, dead)
    mixed = os.path.join(folder, "shuffled.ndjson")
    shuffled(orders, mixed, seed)
    again = against_oracle(f"the same lines shuffled, seed {seed}", folder, mixed, reference)
    check(f"the order of the lines does not matter, seed {seed}",
          None if ordered is not None and ordered == again else "labels.csv differs")


def canary(work):
    """Planted personal data reaches no output of a run."""
    marks = ["카나리아김", "010-0000-9876", "canary@example.com", "canary-member-1", "카나리아로 77"]
    order = {
        "schema": "passflow.order/1", "mall_id": "demomall", "shop_no": 1, "order_id": "C-1",
        "event": "order.placed", "event_time": "2026-10-10T09:30:00+09:00", "version": 1,
        "placed_at": "2026-10-10T09:30:00+09:00", "currency": "KRW",
        "payment": {"methods": ["cash"], "status": "unpaid"},
        "buyer": {"member_id": marks[3], "name": marks[0], "phone": marks[1], "email": marks[2]},
        "receivers": [{"receiver_no": 1, "name": marks[0], "phone": marks[1], "zipcode": "63000",
                       "address1": "제주특별자치도 제주시 " + marks[4], "address2": marks[4]}],
        "items": [{"item_code": "C-1-01", "sku": "S", "product_code": "P", "quantity": 1,
                   "unit_price": "500000", "option_price": "0", "status": "N00"}]}
    broken = dict(order, order_id="C-2", placed_at=marks[0])
    orders = os.path.join(work, "canary.ndjson")
    with open(orders, "w", encoding="utf-8") as file:
        for entry in (order, broken):
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        file.write("{ not json " + marks[0] + " " + marks[2] + "\n")
    out = os.path.join(work, "canary-out")
    done = trial(orders, os.path.join(ROOT, "config", "reference"), out)
    said = done.stdout + done.stderr
    for name in sorted(os.listdir(out)):
        said += read(os.path.join(out, name)).decode("utf-8", "replace")
    leaked = [mark for mark in marks if mark in said]
    check("no personal data in any output of a run", f"found {len(leaked)} of the planted values" if leaked else None)
    check("an order with bad lines beside it is labelled", None if "ISLAND_SHIP" in said else "no ISLAND_SHIP")


def sample(work):
    orders = os.path.join(work, "sample.ndjson")
    with gzip.open(os.path.join(ROOT, "benchmarks", "sample", "orders.ndjson.gz"), "rb") as packed:
        with open(orders, "wb") as file:
            shutil.copyfileobj(packed, file)
    first = against_oracle("the shipped sample", work, orders, os.path.join(ROOT, "config", "reference"))
    out = os.path.join(work, "again")
    trial(orders, os.path.join(ROOT, "config", "reference"), out)
    check("a second run gives the same labels.csv byte for byte",
          None if first == read(os.path.join(out, "labels.csv")) else "differs")


def wrong_calls(work):
    for name, arguments, word in (
        ("a missing orders file is an error that names it", ["--orders", work + "/nowhere.ndjson", "--out", work + "/o"], "nowhere.ndjson"),
        ("a missing --out is a usage error", ["--orders", work + "/canary.ndjson"], "--out"),
        ("an unknown option is refused with a hint", ["--ordres", "x", "--out", work + "/o"], "--orders"),
        ("a bad rule file is refused with its place",
         ["--orders", work + "/canary.ndjson", "--out", work + "/o", "--rules", work + "/bad.yaml"], "bad.yaml:"),
    ):
        with open(work + "/bad.yaml", "w", encoding="utf-8") as file:
            file.write("rules:\n  - id: x\n    if: amount.itens >= 1\n    then: {labels: [A]}\n")
        done = subprocess.run([PASSFLOW, "run", *arguments], capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        problem = None
        if done.returncode == 0:
            problem = "exit 0"
        elif done.returncode < 0:
            problem = f"killed by signal {-done.returncode}"
        elif word not in said:
            problem = f"does not say {word!r}: {said[-200:]!r}"
        check(name, problem)


def main():
    print(f"   seed {SEED}", flush=True)
    work = tempfile.mkdtemp(prefix="passflow-trial-")
    try:
        sample(work)
        canary(work)
        wrong_calls(work)
        for index in range(8 if LONG else 2):
            generated(SEED + index, 20_000 if LONG else 3_000, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if common.failures else 0


if __name__ == "__main__":
    sys.exit(main())
