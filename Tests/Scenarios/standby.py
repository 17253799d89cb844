#!/usr/bin/env python3
"""Standby instances on a real Kafka: an owner of partitions is killed, the other one takes them over.

With `state.standby: 1` it must read only the tail of the changelogs, without it all of them (the same run, held against
each other), and the labels must be those of `passflow run` both times. Afterwards everybody's partitions and standbys
are where they belong.

PASSFLOW_STANDBY_COPIES=N adds one order each of N − 1 times as many customers (of about 1,400), for a measurement.
"""
import datetime
import json
import os
import shutil
import sys
import tempfile
import time
import urllib.request
import zlib

import stages as common
from stages import BOOTSTRAP, CLUSTER, Stage, check, feed, passflow, reset_topics, sample, wait_until

PARTITIONS = 6
COPIES = int(os.environ.get("PASSFLOW_STANDBY_COPIES", "1"))
STATEFUL = ("enrich", "apply")


def metrics(stage, name):
    """{partition: value} of a gauge with a partition, or {"": value}."""
    if not stage.port and not stage.is_ready():
        return {}
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{stage.port}/metrics", timeout=2) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        if line.startswith(name + "{") or line.startswith(name + " "):
            partition = line.split('partition="')[1].split('"')[0] if "{" in line else ""
            found[partition] = int(float(line.split()[-1]))
    return found


def events(stage, name, since=0):
    """Log lines of an event, from a byte of the log on."""
    with open(stage.log, encoding="utf-8", errors="replace") as log:
        log.seek(since)
        return [json.loads(line) for line in log if f'"event":"{name}"' in line]


def followed(stage):
    """Partitions that it stands by for and has read to the end."""
    lags = metrics(stage, "passflow_standby_lag_records")
    return {partition for partition, lag in lags.items() if lag == 0}


def copies(orders, path):
    with open(orders, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    seen = set()
    with open(path, "wb") as file:
        for copy in range(COPIES):
            for line in lines:
                order = json.loads(line)
                buyer = order.get("buyer") or {}
                # decisions and ledger are keyed by mall: without several of them one partition would have all.
                order["mall_id"] += str(zlib.crc32(order["order_id"].encode()) % 20)
                if copy:
                    person = (copy, buyer.get("member_id"))
                    if not person[1] or person in seen:
                        continue
                    seen.add(person)
                    order["order_id"] += f"-{copy}"
                    order["buyer"] = {**buyer, "member_id": f"c{copy}{buyer['member_id']}"}
                    order["items"] = [{**item, "item_code": f"{item['item_code']}-{copy}"} for item in order["items"][:2]]
                file.write(json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def seconds(event):
    return datetime.datetime.fromisoformat(event["ts"].replace("Z", "+00:00")).timestamp()


def takeover(work, first, second, expected, standby):
    """Feeds, kills an owner, feeds on. Returns {stage: (restored, seconds from the kill, seconds of the claim)}."""
    name = f"an owner is killed, standby {standby}"
    work = os.path.join(work, f"standby-{standby}")
    os.makedirs(work)
    if not reset_topics() or passflow("topics", "create", "--partitions", str(PARTITIONS)).returncode != 0:
        check(name, "topics could not be made")
        return None
    variables = {"PASSFLOW_STATE_STANDBY": str(standby)}
    stages = [Stage(stage, number, work, variables) for stage in STATEFUL for number in (1, 2)]
    stages.append(Stage("evaluate", 1, work))
    pairs = {name: [s for s in stages if s.name == name] for name in STATEFUL}
    try:
        if not wait_until(lambda: all(s.is_ready() and s.partitions() > 0 for s in stages), 90):
            check(name, "not ready after 90 s: " + ", ".join(f"{s.name}-{s.number} {s.partitions()}" for s in stages))
            return None
        code = feed(first, work, 0).wait(timeout=900)
        waited = passflow("wait", "--timeout", "800", timeout=900)
        if code != 0 or waited.returncode != 0:
            check(name, f"ingest {code}, wait: {waited.stdout[-200:]}{waited.stderr[-200:]}")
            return None
        if standby:
            def all_followed():
                return all(followed(one) | followed(other) == {str(p) for p in range(PARTITIONS)}
                           and len(followed(one)) == other.partitions() for one, other in pairs.values())
            if not wait_until(all_followed, 120):
                check(name, "standbys do not follow everything: " + ", ".join(
                    f"{s.name}-{s.number} owns {s.partitions()}, {metrics(s, 'passflow_standby_lag_records')}"
                    for pair in pairs.values() for s in pair))
                return None
        marks = {s.name: os.path.getsize(s.log) for s in (pair[1] for pair in pairs.values())}
        killed = time.time()
        for pair in pairs.values():
            pair[0].kill()
        feeding = feed(second, work, 1)
        survivors = [pair[1] for pair in pairs.values()]
        if not wait_until(lambda: all(s.is_ready() and s.partitions() == PARTITIONS for s in survivors), 300):
            check(name, "not taken over: " + ", ".join(f"{s.name} {s.partitions()}" for s in survivors))
            return None
        result = {}
        for survivor in survivors:
            assigned = events(survivor, "partition.assigned", marks[survivor.name])
            revoked = [seconds(e) for e in events(survivor, "partition.revoked", marks[survivor.name])]
            last = max(seconds(e) for e in assigned)
            result[survivor.name] = (sum(e["restored"] for e in assigned), last - killed, last - max(revoked, default=killed))
        for stage, (restored, after, claim) in result.items():
            print(f"   {stage}: {restored} changelog records restored, all partitions {after:.2f} s after the kill, "
                  f"{claim:.2f} s of them from the rebalance on", flush=True)
        for pair in pairs.values():
            pair[0].start()
        code = feeding.wait(timeout=900)
        waited = passflow("wait", "--timeout", "800", timeout=900)
        out = os.path.join(work, "labels.csv")
        exported = passflow("labels", "--out", out, timeout=300)
        if code != 0 or waited.returncode != 0 or exported.returncode != 0:
            check(name, f"ingest {code}, wait: {waited.stdout[-200:]}{waited.stderr[-200:]}, {exported.stderr[-200:]}")
            return None
        with open(out, "rb") as file:
            found = file.read().splitlines()
        missing, extra = set(expected) - set(found), set(found) - set(expected)
        check(name + ": the labels are those of an undisturbed run",
              f"{len(missing)} rows missing, {len(extra)} too many: {sorted(missing | extra)[:3]}" if found != expected else None)
        return result
    finally:
        codes = {f"{s.name}-{s.number}": s.stop() for s in stages}
        bad = {key: code for key, code in codes.items() if code != 0}
        check(name + ": SIGTERM ends every stage with exit 0", f"{bad}" if bad else None)
        if common.failures:
            for stage in stages:
                with open(stage.log, encoding="utf-8", errors="replace") as log:
                    tail = [line for line in log if '"level":"error"' in line or "Fatal" in line or "standby" in line][-6:]
                for line in tail:
                    print(f"   {stage.name}-{stage.number}: {line.strip()[:300]}", flush=True)


def main():
    if not BOOTSTRAP or not os.access(CLUSTER, os.X_OK):
        print("SKIP standby instances: KAFKA_BOOTSTRAP or KAFKA_CLUSTER, to delete topics with, is not set", flush=True)
        return 0
    work = tempfile.mkdtemp(prefix="passflow-standby-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    try:
        orders = os.path.join(work, "all.ndjson")
        copies(sample(work), orders)
        done = passflow("run", "--orders", orders, "--reference", "config/reference", "--out", work + "/run", "--quiet", timeout=900)
        if done.returncode != 0:
            check("the trial run to compare with", done.stderr[-300:])
            return 1
        with open(work + "/run/labels.csv", "rb") as file:
            expected = file.read().splitlines()
        with open(orders, "rb") as file:
            lines = file.read().splitlines(keepends=True)
        first, second = os.path.join(work, "first.ndjson"), os.path.join(work, "second.ndjson")
        cut = len(lines) - min(len(lines) // 10, 2000)
        for path, part in ((first, lines[:cut]), (second, lines[cut:])):
            with open(path, "wb") as file:
                file.writelines(part)
        del lines
        without = takeover(work, first, second, expected, 0)
        with_one = takeover(work, first, second, expected, 1)
        if without and with_one:
            for stage in STATEFUL:
                few, all_of_them = with_one[stage][0], without[stage][0]
                problem = None
                if all_of_them < 20:
                    problem = f"only {all_of_them} records were restored without a standby: nothing to compare with"
                elif few * 10 > all_of_them:
                    problem = f"{few} of {all_of_them} changelog records were read"
                check(f"{stage} with a standby reads only the tail of the changelog when it takes over", problem)
    finally:
        if not common.failures and not os.environ.get("PASSFLOW_KEEP"):
            shutil.rmtree(work, ignore_errors=True)
        else:
            print(f"   kept for a look: {work}", flush=True)
    return 1 if common.failures else 0


if __name__ == "__main__":
    sys.exit(main())
