#!/usr/bin/env python3
"""The stages as processes on a real Kafka while everything around them fails (docs/reliability.md).

While sample orders come in, instances of all stages die again and again, by kill -9 at named places in the code
(CrashPoint) and at random moments, their state files are damaged between death and restart, some are stopped for
longer than a session and wake up as zombies, others come and go, brokers are killed and paused. Afterwards:
nothing lost (labels equal those of an undisturbed `passflow run`), every effect recorded once, equal inputs
equal bytes on every topic, order kept per order, poison in the dead letters and nowhere else.

PASSFLOW_SEED repeats a choice of faults (the moments stay chance). PASSFLOW_FAULT_KILLS: how many deaths
(240; 1,000 with PASSFLOW_TEST_LONG=1).
"""
import collections
import glob
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import stages as common
from stages import (
    BOOTSTRAP, CLUSTER, SEED, Stage, Supervision, are_ready, check, difference, drained, feed, has_own_cluster, labels, leave,
    lines_of, make_topics, passflow, sample, stop_all, undisturbed_run, wait_until, work_in_memory)

LONG = os.environ.get("PASSFLOW_TEST_LONG") == "1"
KILLS = int(os.environ.get("PASSFLOW_FAULT_KILLS", 1000 if LONG else 240))
PARTITIONS = 6
REBALANCES = 100 if LONG else 6
ZOMBIES = 20 if LONG else 3
STATEFUL = ("enrich", "apply")
STAGES = ("enrich", "evaluate", "apply")
EVERYWHERE = ("after-poll", "handled-not-sent", "sent-not-acknowledged", "in-drain")
WITH_STATE = ("before-freeze", "acknowledged-not-committed", "in-transaction", "committed-not-noted",
              "before-checkpoint", "in-checkpoint", "after-checkpoint", "in-restore", "claimed")
WITHOUT_STATE = ("before-offset-commit", "after-offset-commit")
LED = ("orders", "orders.enriched", "decisions")
POISON = b'{"this is no order": true}\n'
QUICK = {"PASSFLOW_STATE_COMMIT_INTERVAL_MS": "100", "PASSFLOW_STATE_CHECKPOINT_INTERVAL_MS": "400",
         "PASSFLOW_KAFKA_SESSION_TIMEOUT_MS": "3000"}


def variables_of(name, number):
    """The second instance of each stage with state stands by for the first, whose own restores read all."""
    return {**QUICK, "PASSFLOW_STATE_STANDBY": "1"} if name in STATEFUL and number == 2 else QUICK


def points_of(stage):
    points = EVERYWHERE + (WITHOUT_STATE if stage.name == "evaluate" else WITH_STATE)
    points += ("shop-written-not-recorded",) if stage.name == "apply" else ()
    points += ("in-standby",) if "PASSFLOW_STATE_STANDBY" in stage.variables else ()
    return points + ("random",)


class Feeding(threading.Thread):
    """Feeds the lines in portions until told to finish, then the rest at once. A portion whose ingest process
    died is fed again from its beginning."""

    def __init__(self, lines, work, choices, bootstrap=None):
        super().__init__(daemon=True)
        self.lines, self.work, self.choices, self.bootstrap = lines, work, choices, bootstrap
        self.portion = max(len(lines) // (600 if LONG else 60), 1)
        self.finish = threading.Event()
        self.fed = self.deaths = self.poison = 0
        self.problem = None

    def run(self):
        number = 0
        while self.fed < len(self.lines) and not self.problem:
            rest = self.finish.is_set()
            portion = self.lines[self.fed:] if rest else self.lines[self.fed:self.fed + self.portion]
            path = os.path.join(self.work, f"portion-{number}.ndjson")
            with open(path, "wb") as file:
                file.writelines(portion)
                if not rest:
                    file.write(POISON)
            if not self.once(path, number, may_die=not rest):
                return
            self.poison += 0 if rest else 1
            self.fed += len(portion)
            number += 1
            os.remove(path)
            # A pause of the outside world: the faults shall have traffic for as long as they go on.
            self.finish.wait(0 if rest else 1.0)

    def once(self, path, number, may_die):
        for attempt in range(20):
            process = feed(path, self.work, f"{number}", self.bootstrap)
            if may_die and self.choices.random() < 0.15:
                try:
                    process.wait(timeout=self.choices.uniform(0.05, 0.6))
                except subprocess.TimeoutExpired:
                    process.kill()
                    self.deaths += 1
            try:
                code = process.wait(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
                code = "no end after 120 s"
            if code == 0:
                return True
            if code != -signal.SIGKILL:
                self.problem = f"passflow-ingest ended with {code}"
                return False
        self.problem = "passflow-ingest died 20 times in a row"
        return False


class Tormentor(threading.Thread):
    """Lets the instances of one stage die one at a time, again and again, until told to end; then all run.

    A dead instance comes back under its own name, so that its group need not be divided anew: the next place to
    die at is reached within seconds."""

    def __init__(self, stages, seed, tally):
        super().__init__(daemon=True)
        self.stages, self.choices, self.tally = stages, random.Random(seed), tally
        self.ending = threading.Event()
        self.problem = None

    def run(self):
        stage = self.stages[0]
        while not self.ending.is_set() and not self.problem:
            if self.choices.random() < 0.2:
                stage = self.choices.choice(self.stages)
            if stage.process.poll() is None:
                stage.process.kill()
                stage.process.wait()
            point = self.choices.choice(points_of(stage))
            self.live(stage, point)
            if stage.name in STATEFUL and self.choices.random() < 0.25:
                self.damage(stage)
            stage.start()

    def live(self, stage, point):
        """Starts the instance with a place to die at, and sees that it dies."""
        count = self.choices.choice((1, 1, 2, 4))
        more = {"PASSFLOW_TEST_CRASH_AT": f"{point}:{count}"} if point != "random" else {}
        stage.start(more)
        if point == "in-drain":
            wait_until(lambda: stage.is_ready() or self.ending.is_set(), 10)
            stage.process.send_signal(signal.SIGTERM)
        patience = self.choices.uniform(0.3, 3) if point == "random" else 8
        try:
            code = stage.process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            stage.process.kill()
            stage.process.wait()
            return self.tally.count("random", stage)
        if code == -signal.SIGKILL:
            self.tally.count(point, stage)
        elif code != 0 or point != "in-drain":
            self.problem = f"{stage.name}-{stage.number} ended by itself with {code} (armed: {point})"

    def damage(self, stage):
        """As a disk may do it: a page flipped, the write-ahead log cut or gone, the file cut, gone or garbage."""
        files = [f for f in glob.glob(stage.work + "/*.sqlite") if os.path.getsize(f) > 8192]
        if not files:
            return
        path = self.choices.choice(files)
        kind = self.choices.choice(("flipped page", "log cut", "log gone", "file cut", "file gone", "garbage"))
        log = path + "-wal"
        if kind == "flipped page":
            with open(path, "r+b") as file:
                file.seek(4096 * self.choices.randrange(1, os.path.getsize(path) // 4096))
                file.write(bytes(self.choices.randrange(256) for _ in range(256)))
        elif kind == "log cut" and os.path.exists(log):
            os.truncate(log, os.path.getsize(log) // 2)
        elif kind == "log gone" and os.path.exists(log):
            os.remove(log)
        elif kind == "file cut":
            os.truncate(path, os.path.getsize(path) // 2)
        elif kind == "file gone":
            os.remove(path)
        elif kind == "garbage":
            with open(path, "wb") as file:
                file.write(bytes(self.choices.randrange(256) for _ in range(20_000)))
        self.tally.damaged[kind] += 1


class Tally:
    def __init__(self):
        self.lock, self.changed = threading.Lock(), threading.Event()
        self.kills, self.damaged, self.per_stage = collections.Counter(), collections.Counter(), collections.Counter()

    def count(self, point, stage):
        with self.lock:
            self.kills[point] += 1
            self.per_stage[stage.name] += 1
        self.changed.set()

    @property
    def total(self):
        return sum(self.kills.values())


def torment(stages, tally, kills):
    tormentors = [Tormentor([s for s in stages if s.name == name], SEED * 100 + i, tally)
                  for i, name in enumerate(STAGES)]
    for tormentor in tormentors:
        tormentor.start()
    last = time.monotonic()
    limit = time.monotonic() + 60 + kills * 3
    while tally.total < kills and time.monotonic() < limit and not any(t.problem for t in tormentors):
        tally.changed.wait(timeout=1)
        tally.changed.clear()
        if time.monotonic() - last > 15:
            last = time.monotonic()
            print(f"   {tally.total} of {kills} kills", flush=True)
    for tormentor in tormentors:
        tormentor.ending.set()
    for tormentor in tormentors:
        tormentor.join(timeout=30)
    return next((t.problem for t in tormentors if t.problem), None)


def zombies(stages, count, choices):
    """Stops one instance of each stage for longer than a session, then lets it go on."""
    for _ in range(max(count // 3, 1)):
        chosen = [choices.choice([s for s in stages if s.name == name]) for name in STAGES]
        for stage in chosen:
            stage.process.send_signal(signal.SIGSTOP)
        others = [s for s in stages if s not in chosen]
        if not wait_until(lambda: all(s.partitions() == PARTITIONS for s in others), 60):
            return "60 s after their neighbour was stopped: " + ", ".join(f"{s.name} {s.partitions()}" for s in others)
        for stage in chosen:
            stage.process.send_signal(signal.SIGCONT)

        if not wait_until(lambda: all(s.partitions() >= 1 for s in stages), 60):
            return "60 s after they woke: " + ", ".join(f"{s.name}-{s.number} {s.partitions()}" for s in stages)
    return None


def rebalances(work, count):
    """1 → 4 → 1 instances of enrich and apply that leave in order; each join and each leave is a rebalance."""
    problem, done, number = None, 0, 10
    while done < count and not problem:
        extra = []
        for name in ("enrich", "apply"):
            for _ in range(2 if LONG else 1):
                number += 1
                extra.append(Stage(name, number, work, QUICK, is_static=False))
        if not wait_until(lambda: all(s.is_ready() for s in extra), 40):
            problem = "joined instances were not ready after 40 s"
        for stage in extra:
            code = stage.stop()
            if code != 0:
                problem = f"{stage.name}-{stage.number}: SIGTERM gave {code}"
        done += 2 * len(extra)
    return problem, done


def leaders(address, topics):
    """The brokers that lead a partition, as the broker at `address` sees it (Kafka protocol: Metadata, version 1)."""
    def text(value):
        return struct.pack(">h", len(value)) + value.encode()

    request = struct.pack(">hhi", 3, 1, 0) + text("faults") + struct.pack(">i", len(topics))
    request += b"".join(text(topic) for topic in topics)
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection, connection.makefile("rb") as answer:
        connection.sendall(struct.pack(">i", len(request)) + request)

        def number(kind):
            return struct.unpack(">" + kind, answer.read(struct.calcsize(kind)))[0]

        def skip_text():
            answer.read(max(number("h"), 0))

        number("i"), number("i")
        for _ in range(number("i")):
            number("i"), skip_text(), number("i"), skip_text()
        number("i")
        found = set()
        for _ in range(number("i")):
            number("h"), skip_text(), number("b")
            for _ in range(number("i")):
                number("h"), number("i"), found.add(number("i"))
                for _ in range(2):
                    answer.read(4 * number("i"))
        return found


def leads_nothing(number):
    """Whether the others have taken a broker for dead: no partition of ours has it for its leader."""
    others = [address for broker, address in enumerate(BOOTSTRAP.split(","), 1) if broker != number]
    try:
        return number not in leaders(others[0], LED)
    except OSError:
        return False


def brokers(choices, rounds):
    for _ in range(rounds):
        number = choices.choice(sorted(leaders(BOOTSTRAP.split(",")[0], LED)))
        if choices.random() < 0.5:
            subprocess.run([CLUSTER, "kill", str(number)], capture_output=True)
            subprocess.run([CLUSTER, "revive", str(number)], capture_output=True)
        else:
            subprocess.run([CLUSTER, "pause", str(number)], capture_output=True)
            moved = wait_until(lambda: leads_nothing(number), 60)
            subprocess.run([CLUSTER, "resume", str(number)], capture_output=True)
            if not moved:
                return f"60 s after broker {number} was paused it still leads a partition"
    return None


def tap(topic, work):
    path = os.path.join(work, topic + ".tap")
    done = passflow("tap", topic, "--out", path, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"tap {topic}: {done.stderr[-300:]}")
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def equal_inputs_equal_bytes(records, what):
    """A repeat carries the same position and must carry the same bytes."""
    seen, repeats = {}, 0
    for record in records:
        key = (record["mall_id"], record["order_id"], record["position"])
        if key in seen:
            repeats += 1
            if seen[key] != record["hash"]:
                return f"{what}: order {record['order_id']} at {record['position']} with different bytes", repeats
        seen[key] = record["hash"]
    return None, repeats


def effects_once(actions, labels):
    """Each label goes on and off in turn, each alert leaves once, and what is on at the end are the labels."""
    worn, alerts = {}, collections.Counter()
    for record in actions:
        order = (record["mall_id"], str(record["shop_no"]), record["order_id"])
        if record["kind"] == "label.added":
            for item in record["items"]:
                worn.setdefault(order, collections.Counter())[(item, record["label"])] += 1
        elif record["kind"] == "label.removed":
            for item in record["items"]:
                worn.setdefault(order, collections.Counter())[(item, record["label"])] -= 1
        elif record["kind"] == "alert.sent":
            alerts[(order, record["cause"], tuple(record["rules"]))] += 1
    doubled = [key for key, count in alerts.items() if count > 1]
    if doubled:
        return f"{len(doubled)} alerts were recorded more than once: {doubled[0]}"
    wrong = [(o, k, n) for o, counts in worn.items() for k, n in counts.items() if n not in (0, 1)]
    if wrong:
        return f"{len(wrong)} labels were added or removed twice: {wrong[0]}"
    found = {(*order, *key) for order, counts in worn.items() for key, count in counts.items() if count}
    if found != labels:
        return f"the actions add up to {len(found)} labels on items, the shop has {len(labels)}"
    return None


def judge(name, work, expected, feeding):
    if not wait_until(lambda: not feeding.is_alive(), 180):
        return check(name, "the feeding did not end")
    if feeding.problem:
        return check(name, feeding.problem)
    problem = drained(180)
    if problem:
        return check(name, problem)
    found, problem = labels(work)
    if problem:
        return check(name, problem)
    check(name + ": nothing is lost, the labels are those of an undisturbed run", difference(found, expected))
    worn = {tuple(line.decode().split(",")[:5]) for line in found[1:]}
    check(name + ": every effect is recorded once", effects_once(tap("actions", work), worn))
    for topic in ("orders.enriched", "decisions"):
        problem, repeats = equal_inputs_equal_bytes(tap(topic, work), topic)
        print(f"   {topic}: {repeats} repeats", flush=True)
        check(f"{name}: equal inputs give equal bytes on {topic}", problem)
    letters = tap("orders.dlq", work)
    strange = [l for l in letters if l["stage"] != "ingest"]
    check(name + ": poison is in the dead letters, and only that",
          f"{len(strange)} of others: {strange[0]}" if strange
          else f"{len(letters)} of {feeding.poison}" if len(letters) < feeding.poison else None)


def main():
    if not has_own_cluster("stages under faults"):
        return 0
    print(f"   seed {SEED}, {KILLS} kills", flush=True)
    work = work_in_memory("passflow-faults-")
    choices = random.Random(SEED)
    orders = sample(work)
    expected, lines = undisturbed_run(work, orders), lines_of(orders)
    name = "faults"
    if expected is None or not make_topics(name, PARTITIONS):
        return 1
    stages = [Stage(stage, number, work, variables_of(stage, number)) for stage in STAGES for number in (1, 2)]
    feeding = Feeding(lines, work, choices)
    tally, supervision = Tally(), Supervision(stages)
    try:
        if not are_ready(name, stages):
            return 1
        feeding.start()
        started = time.monotonic()
        problem = torment(stages, tally, KILLS)
        check(f"{name}: {KILLS} deaths of stages", problem or (f"only {tally.total}" if tally.total < KILLS else None))
        print(f"   {tally.total} kills in {time.monotonic() - started:.0f} s: {dict(tally.kills)}; "
              f"{dict(tally.per_stage)}; damaged state: {dict(tally.damaged)}; "
              f"{feeding.deaths} deaths of ingest; {feeding.fed} of {len(lines)} fed meanwhile", flush=True)
        if not are_ready(name, stages, since="the last death"):
            return 1
        supervision.start()
        check(f"{name}: {ZOMBIES} zombies", zombies(stages, ZOMBIES, choices))
        problem, done = rebalances(work, REBALANCES)
        check(f"{name}: {REBALANCES} rebalances", problem)
        check(f"{name}: brokers killed and paused", brokers(choices, 10 if LONG else 1))
        feeding.finish.set()
        judge(name, work, expected, feeding)
        supervision.judge(name)
    finally:
        feeding.finish.set()
        supervision.end()
        stop_all(name, stages)
        leave(work)
    return 1 if common.failures else 0


if __name__ == "__main__":
    sys.exit(main())
