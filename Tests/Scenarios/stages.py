"""What the scenarios on processes share: stages as processes, topics, feeding, a tally."""
import collections
import gzip
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("PASSFLOW_BIN_DIR", os.path.join(ROOT, ".build", "release"))
BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP", "")
CLUSTER = os.environ.get("KAFKA_CLUSTER", "")
SEED = int(os.environ.get("PASSFLOW_SEED", int(time.time()) % 1_000_000))
failures = 0


def check(name, problem):
    """Prints and counts one result; `problem` None is a pass."""
    global failures
    if problem:
        failures += 1
        print(f"FAIL {name}: {problem}", flush=True)
    else:
        print(f"ok {name}", flush=True)


def wait_until(condition, seconds):
    """Polls a condition of the outside world; the poll interval is no assumption about it."""
    # Other processes and brokers tell nobody when they have come so far: there is nothing to wait on but asking again.
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def has_own_cluster(what):
    """Whether there is a cluster that may be hurt; says what is left out without."""
    if BOOTSTRAP and os.access(CLUSTER, os.X_OK) and os.environ.get("KAFKA_CLUSTER_DIR"):
        return True
    print(f"SKIP {what}: no cluster of our own (KAFKA_BOOTSTRAP, KAFKA_CLUSTER, KAFKA_CLUSTER_DIR)", flush=True)
    return False


def work_in_memory(prefix):
    return tempfile.mkdtemp(prefix=prefix, dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def leave(work):
    """Deletes what was worked with, unless somebody will want to see it."""
    if failures or os.environ.get("PASSFLOW_KEEP"):
        print(f"   kept for a look: {work}", flush=True)
    else:
        shutil.rmtree(work, ignore_errors=True)


def lines_of(path):
    with open(path, "rb") as file:
        return file.read().splitlines(keepends=True)


def rows(path):
    with open(path, "rb") as file:
        return file.read().splitlines()


def sample(work):
    path = os.path.join(work, "orders.ndjson")
    with gzip.open(os.path.join(ROOT, "benchmarks", "sample", "orders.ndjson.gz"), "rb") as packed:
        with open(path, "wb") as file:
            shutil.copyfileobj(packed, file)
    return path


def passflow(*arguments, timeout=120):
    return subprocess.run(
        [os.path.join(BIN, "passflow"), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def undisturbed_run(work, orders, *more):
    """The label rows of an undisturbed `passflow run`; None, and a failure, when there are none."""
    done = passflow(
        "run", "--orders", orders, "--reference", "config/reference", *more, "--out", work + "/run", "--quiet")
    if done.returncode != 0:
        return check("the trial run to compare with", done.stderr[-300:])
    return rows(work + "/run/labels.csv")


def drained(seconds):
    """Waits until everything is through; what went wrong, or None."""
    waited = passflow("wait", "--timeout", str(seconds), timeout=seconds + 60)
    return None if waited.returncode == 0 else "not drained: " + waited.stdout[-300:] + waited.stderr[-200:]


def labels(work):
    """The shop's label rows and None, or none and what went wrong."""
    out = os.path.join(work, "labels.csv")
    exported = passflow("labels", "--out", out)
    return (rows(out), None) if exported.returncode == 0 else ([], "labels: " + exported.stderr[-300:])


def difference(found, expected):
    """What is wrong with label rows; None: nothing."""
    missing, extra = set(expected) - set(found), set(found) - set(expected)
    return None if found == expected else f"{len(missing)} rows missing, {len(extra)} too many: {sorted(missing | extra)[:3]}"


class Stage:
    """One instance of a stage as a process."""

    def __init__(self, name, number, work, variables=None, is_static=True):
        self.name, self.number = name, number
        self.variables, self.is_static = variables or {}, is_static
        self.work = os.path.join(work, f"{name}-{number}")
        os.makedirs(self.work, exist_ok=True)
        self.log = os.path.join(self.work, "log")
        self.port = 0
        self.start()

    def start(self, more=None):
        variables = {
            "PASSFLOW_KAFKA_BOOTSTRAP": BOOTSTRAP, "PASSFLOW_HTTP_PORT": "0",
            "PASSFLOW_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "PASSFLOW_KAFKA_INSTANCE_ID": f"{self.name}-{self.number}" if self.is_static else "",
            "PASSFLOW_DEAD_LETTERS_KEY_FILE": os.path.join(os.path.dirname(self.work), "dead-letter.key"),
        }
        if self.name in ("ingest", "enrich", "apply"):
            variables["PASSFLOW_STATE_DIRECTORY"] = self.work
        if self.name == "enrich":
            variables["PASSFLOW_ENRICH_REFERENCE_DIRECTORY"] = "config/reference"
        if self.name == "apply":
            variables["PASSFLOW_APPLY_SHOP_PATH"] = os.path.join(os.path.dirname(self.work), "shop.sqlite")
        variables.update(self.variables)
        variables.update(more or {})
        self.port = 0
        self.log_from = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "passflow-" + self.name)], cwd=ROOT, env={**os.environ, **variables},
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def is_ready(self):
        if not self.port:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                log.seek(self.log_from)
                for line in log:
                    if '"stage.started"' in line:
                        self.port = int(line.split('"port":')[1].split("}")[0].split(",")[0])
        if not self.port:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def partitions(self):
        """How many input partitions it holds; -1 while it does not answer."""
        if not self.port and not self.is_ready():
            return -1
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=2) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("passflow_partitions_owned"):
                        return int(float(line.split()[-1]))
        except OSError:
            pass
        return -1

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.port = 0

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "did not end within 15 s"


def are_ready(name, stages, since="the start"):
    """Waits for all; false, and a failure, when it takes too long."""
    if wait_until(lambda: all(stage.is_ready() for stage in stages), 60):
        return True
    check(name, f"not ready 60 s after {since}: {[f'{s.name}-{s.number}' for s in stages if not s.is_ready()]}")
    return False


def stop_all(name, stages):
    codes = {f"{s.name}-{s.number}": s.stop() for s in stages}
    bad = {key: code for key, code in codes.items() if code != 0}
    check(name + ": SIGTERM ends every stage with exit 0", f"{bad}" if bad else None)
    if not failures:
        return
    for stage in stages:
        with open(stage.log, encoding="utf-8", errors="replace") as log:
            tail = [line for line in log if '"level":"error"' in line or "Fatal" in line][-3:]
        for line in tail:
            print(f"   {stage.name}-{stage.number}: {line.strip()[:300]}", flush=True)


class Supervision(threading.Thread):
    """Restarts what ended, as systemd or Kubernetes would, and keeps what it said last.

    Allowed is one reason only: fenced, by which a broker tells an instance that its name has gone to another."""

    def __init__(self, stages):
        super().__init__(daemon=True)
        self.stages, self.ending = stages, threading.Event()
        self.restarts, self.problem = collections.Counter(), None

    def run(self):
        while not self.ending.wait(0.2):
            for stage in self.stages:
                if stage.process.poll() is None:
                    continue
                with open(stage.log, encoding="utf-8", errors="replace") as log:
                    last = [line for line in log if '"stage.failed"' in line][-1:]
                reason = "fenced" if last and "FENCED" in last[0] else "other"
                self.restarts[reason] += 1
                if reason == "other":
                    self.problem = f"{stage.name}-{stage.number} ended: {last[0].strip()[-300:] if last else 'no word'}"
                stage.start()

    def end(self):
        self.ending.set()
        if self.is_alive():
            self.join()

    def judge(self, name):
        self.end()
        print(f"   restarted by supervision: {dict(self.restarts)}", flush=True)
        check(name + ": no stage ends by itself but when it is fenced", self.problem)


def reset_topics():
    """Each run begins with empty topics and groups: a cluster of its own would cost more time."""
    names = ["orders", "orders.enriched", "decisions", "actions", "orders.dlq", "webhooks", "order.context",
             "enrich.history", "apply.ledger", "ingest.context", "rules", "rules.switches",
             "rules.demands", "reference"]
    for name in names:
        subprocess.run([CLUSTER, "tool", "topics", "--delete", "--topic", name], capture_output=True)
    for group in ("passflow-ingest", "passflow-enrich", "passflow-evaluate", "passflow-apply"):
        subprocess.run([CLUSTER, "tool", "groups", "--delete", "--group", group], capture_output=True)

    def gone():
        listed = passflow("topics", "list").stdout
        return not any(line.split(":")[0] in names for line in listed.splitlines())
    return wait_until(gone, 60)


def make_topics(name, partitions):
    """Empty topics and groups; false, and a failure, when they cannot be had."""
    if not reset_topics():
        check(name, "the topics of the run before could not be deleted")
        return False
    made = passflow("topics", "create", "--partitions", str(partitions))
    if made.returncode != 0:
        check(name, "topics create: " + made.stderr[-300:])
    return made.returncode == 0


def feed(orders, work, number, bootstrap=None):
    return subprocess.Popen(
        [os.path.join(BIN, "passflow-ingest"), "--orders", orders, "--exit-when-done"], cwd=ROOT,
        env={**os.environ, "PASSFLOW_KAFKA_BOOTSTRAP": bootstrap or BOOTSTRAP, "PASSFLOW_HTTP_PORT": "0",
             "PASSFLOW_STATE_DIRECTORY": os.path.join(work, f"ingest-{number}"),
             "PASSFLOW_INGEST_IDENTITY_SECRET_FILE": os.path.join(work, "identity.key"),
             "PASSFLOW_DEAD_LETTERS_KEY_FILE": os.path.join(work, "dead-letter.key")},
        stdout=open(os.path.join(work, f"ingest-{number}.log"), "ab"), stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL)
