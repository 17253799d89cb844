"""The processes that the benchmark starts, and what they use."""
import os
import signal
import subprocess
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, os.environ.get("PASSFLOW_BIN_DIR", os.path.join(".build", "release")))
BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP", "")
TICKS = os.sysconf("SC_CLK_TCK")


def output(*arguments):
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"run.py: {os.path.basename(arguments[0])} {arguments[1]}: {done.stderr[-400:]}")
    return done.stdout


def passflow(*arguments):
    return output(os.path.join(BIN, "passflow"), *arguments)


def bench(command, *arguments):
    return output(os.path.join(BIN, "PipelineBench"), command, BOOTSTRAP, *arguments)


def variables(work, more):
    return {**os.environ, "PASSFLOW_KAFKA_BOOTSTRAP": BOOTSTRAP, "PASSFLOW_HTTP_PORT": "0",
            "PASSFLOW_DEAD_LETTERS_KEY_FILE": os.path.join(work, "dead-letter.key"), **more}


def ingest(path, work):
    """Feeds a file through passflow-ingest, without its join of beacons; seconds, CPU seconds, peak MB."""
    started = time.monotonic()
    with open(os.path.join(work, "ingest.log"), "ab") as log:
        process = subprocess.Popen(
            [os.path.join(BIN, "passflow-ingest"), "--orders", path, "--exit-when-done"], cwd=ROOT,
            env=variables(work, {"PASSFLOW_INGEST_IDENTITY_SECRET_FILE": os.path.join(work, "identity.key"),
                                 "PASSFLOW_CONTEXT_JOIN": "false"}),
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"run.py: passflow-ingest ended with {process.returncode}")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Stage:
    """One instance of a stage, with its shipped configuration."""

    def __init__(self, name, work):
        self.name = name
        self.log = os.path.join(work, name + ".log")
        more = {}
        if name in ("enrich", "apply"):
            more["PASSFLOW_STATE_DIRECTORY"] = os.path.join(work, name)
        if name == "enrich":
            more["PASSFLOW_ENRICH_REFERENCE_DIRECTORY"] = "config/reference"
        if name == "apply":
            more["PASSFLOW_APPLY_SHOP_PATH"] = os.path.join(work, "shop.sqlite")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "passflow-" + name)], cwd=ROOT, env=variables(work, more),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if self.is_ready():
                return
            time.sleep(0.05)
        with open(self.log, encoding="utf-8", errors="replace") as log:
            raise SystemExit(f"run.py: passflow-{self.name} is not ready: {log.read()[-600:]}")

    def is_ready(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            started = [line for line in log if '"stage.started"' in line]
        if not started:
            return False
        port = int(started[-1].split('"port":')[1].split("}")[0].split(",")[0])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Relay:
    """The bare hops; they have nothing to finish, so they are simply ended."""

    def __init__(self, partitions, ratios, work):
        self.process = subprocess.Popen(
            [os.path.join(BIN, "RelayBench"), BOOTSTRAP, str(partitions), *ratios], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=open(os.path.join(work, "relay.log"), "ab"), stdin=subprocess.DEVNULL)
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit("run.py: RelayBench did not start")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.kill()
        self.process.wait()
        return 0


class Usage:
    """CPU seconds and peak memory of the processes, and of the broker when it is ours, as /proc tells them."""

    def __init__(self, processes):
        pids = {name: process.pid for name, process in processes.items()}
        own_broker = os.path.join(os.environ.get("KAFKA_CLUSTER_DIR", "/nonexistent"), "broker-1", "pid")
        if os.path.exists(own_broker):
            with open(own_broker) as file:
                pids["broker"] = int(file.read())
        self.cpu, self.peaks, self.resident = {}, {}, {}
        for name, pid in pids.items():
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            self.cpu[name] = (int(fields[11]) + int(fields[12])) / TICKS
            with open(f"/proc/{pid}/status") as file:
                lines = dict(line.split(":", 1) for line in file)
            self.peaks[name] = int(lines["VmHWM"].split()[0]) / 1024
            self.resident[name] = int(lines["VmRSS"].split()[0]) / 1024

    def since(self, before):
        return {name: seconds - before.cpu[name] for name, seconds in self.cpu.items() if name in before.cpu}
