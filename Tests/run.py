#!/usr/bin/env python3
"""Runs every test suite of PassFlow and ends with `N passed, N failed, N skipped`.

Suites, in this order: the Swift tests (with the broker tests when KAFKA_BOOTSTRAP is set), the oracle's own
tests, the trial run held against the oracle, and, with a broker, the four executables on it with faults.
`PASSFLOW_TEST_LONG=1` takes the long forms. PASSFLOW_REQUIRE_BROKER=1 makes a skipped broker test a failure.
"""
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BROKER = bool(os.environ.get("KAFKA_BOOTSTRAP"))
REQUIRE = os.environ.get("PASSFLOW_REQUIRE_BROKER") == "1"


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, name, passed, failed, skipped, note=""):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        print(f"   {name}: {passed} passed, {failed} failed, {skipped} skipped {note}".rstrip(), flush=True)


def heading(text):
    print(f"== {text}", flush=True)


def run(command, log, echo=None, env=None, timeout=3000):
    """Runs a command, keeps its output in `log`, prints the lines that `echo` matches, returns (code, text)."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    lines = []
    started = time.monotonic()
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)
        for line in process.stdout:
            file.write(line)
            lines.append(line)
            if echo and re.search(echo, line):
                print("   " + line.rstrip()[:300], flush=True)
            if time.monotonic() - started > timeout:
                process.kill()
                lines.append("error: timed out\n")
        code = process.wait()
    return code, "".join(lines)


def build(tally, logs):
    heading("Building tests (debug) and executables (release)")
    for command, name in (
        (["swift", "build", "--build-tests"], "build-tests"),
        (["swift", "build", "-c", "release"], "build-release"),
    ):
        code, text = run(command, f"{logs}/{name}.log", echo=r"(error|warning):|Build complete")
        warnings = len(re.findall(r"warning: ", text))
        if code != 0 or warnings:
            tally.add(name, 0, 1, 0, f"(see {logs}/{name}.log)")
            return False
        tally.add(name, 1, 0, 0)
    return True


def swift_tests(tally, logs):
    heading("Swift tests" + (" with broker " + os.environ["KAFKA_BOOTSTRAP"] if BROKER else " (no broker)"))
    code, text = run(
        ["swift", "test", "--skip-build", "--no-parallel"] if os.environ.get("PASSFLOW_TEST_SERIAL")
        else ["swift", "test", "--skip-build"],
        f"{logs}/swift-test.log", echo=r"✘|recorded an issue|error:|Suite .* (passed|failed)|Fatal|Crash")
    passed = len(re.findall(r"^✔ Test (?!run)", text, re.M))
    skipped = len(re.findall(r"^➜ Test .* skipped", text, re.M))
    failed = len(set(re.findall(r"^✘ Test (?!run)(.*?) (?:failed|recorded)", text, re.M)))
    if code != 0 and failed == 0:
        failed = 1
        print(text[-3000:], flush=True)
    if not re.search(r"Test run with \d+ tests?.* passed", text) and failed == 0:
        failed = 1
    if REQUIRE and skipped:
        print("   skipped although a broker is required:", flush=True)
        for name in re.findall(r"^➜ Test (.*?) skipped", text, re.M):
            print("     " + name, flush=True)
        failed, skipped = failed + skipped, 0
    tally.add("swift test", passed, failed, skipped)


def python_tests(tally, logs):
    heading("Oracle's own tests")
    code, text = run(
        [sys.executable, "-m", "unittest", "discover", "-s", "Tests/Oracle", "-p", "test_*.py", "-v"],
        f"{logs}/oracle-unittest.log")
    found = re.search(r"Ran (\d+) tests?", text)
    count = int(found.group(1)) if found else 0
    bad = len(re.findall(r"^(?:FAIL|ERROR):", text, re.M))
    skipped = len(re.findall(r"skipped '", text))
    if code != 0 and bad == 0 or count == 0:
        bad = max(bad, 1)
    tally.add("oracle", max(count - bad - skipped, 0), bad, skipped)


def scenario_suites(tally, logs):
    for script, title in (
        ("Tests/Scenarios/trial_run.py", "Trial run against the oracle"),
        ("Tests/Scenarios/processes.py", "Four executables as processes"),
    ):
        if not os.path.exists(os.path.join(ROOT, script)):
            continue
        heading(title)
        code, text = run([sys.executable, "-u", script], f"{logs}/{os.path.basename(script)}.log", echo=r"^(ok|FAIL|SKIP|  )")
        passed = len(re.findall(r"^ok ", text, re.M))
        failed = len(re.findall(r"^FAIL ", text, re.M))
        skipped = len(re.findall(r"^SKIP ", text, re.M))
        if REQUIRE and skipped:
            failed, skipped = failed + skipped, 0
        if code != 0 and failed == 0:
            failed = 1
            print(text[-3000:], flush=True)
        tally.add(title, passed, failed, skipped)


def main():
    started = time.monotonic()
    logs = os.path.join(ROOT, ".build", "test-logs")
    tally = Tally()
    if build(tally, logs):
        swift_tests(tally, logs)
        python_tests(tally, logs)
        scenario_suites(tally, logs)
    print(f"Tests took {time.monotonic() - started:.0f} s; logs in .build/test-logs", flush=True)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped", flush=True)
    return 1 if tally.failed or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
