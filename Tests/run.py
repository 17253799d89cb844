#!/usr/bin/env python3
"""Runs every test suite of PassFlow and ends with `N passed, N failed, N skipped`.

Suites, in this order: the Swift tests, those on a broker after the rest (some kill brokers; KAFKA_BOOTSTRAP,
KAFKA_CLUSTER and KAFKA_CLUSTER_DIR say which), the oracle's own tests, the trial run held against the oracle, and
the four executables as processes, on the broker too and with faults. A test function counts once, however many
arguments it takes. `PASSFLOW_TEST_LONG=1` takes the long forms. PASSFLOW_REQUIRE_BROKER=1 makes every skipped
test a failure.
"""
import collections
import glob
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BROKER = bool(os.environ.get("KAFKA_BOOTSTRAP"))
REQUIRE = os.environ.get("PASSFLOW_REQUIRE_BROKER") == "1"
LONG = os.environ.get("PASSFLOW_TEST_LONG") == "1"
BROKER_SUITES = "^KafkaTests\\.BrokerTests"


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, name, passed, failed, skipped, note=""):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        print(f"   {name}: {passed} passed, {failed} failed, {skipped} skipped {note}".rstrip(), flush=True)


def heading(text):
    print(f"== {text}", flush=True)


def run(command, log, echo=None, env=None, timeout=1200):
    """Runs a command, keeps its output in `log`, prints the lines that `echo` matches, returns (code, text)."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    lines = []
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, start_new_session=True)
        overdue = threading.Event()

        def end():
            if process.poll() is None:
                overdue.set()
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, end)
        timer.start()
        try:
            for line in process.stdout:
                file.write(line)
                lines.append(line)
                if echo and re.search(echo, line):
                    print("   " + line.rstrip()[:300], flush=True)
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
    if overdue.is_set():
        print(f"   error: ended after {timeout} s", flush=True)
        code = code or 1
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


def swift_outcomes(text):
    """Names by outcome, out of Swift Testing's output, and how many tests it says it ran (None: it never came to
    the end). Lines of a case ("with 1 argument") and of an issue are no outcomes of a test."""
    found = {
        "passed": re.findall(r"✔ Test (?!run with )(.*?)(?: with \d+ test cases?)? passed after ", text),
        "failed": re.findall(r"✘ Test (?!run with )(.*?)(?: with \d+ test cases?)? failed after ", text),
        "skipped": re.findall(r"➜ Test (?!run with )(.*?) skipped", text),
        "started": re.findall(r"◇ Test (?!run started|case )(.*?) started\.", text),
    }
    total = re.search(r"Test run with (\d+) tests? .*(?:passed|failed) after ", text)
    return found, int(total.group(1)) if total else None


def xunit_counts(report):
    """Passed, failed, skipped of the report that `swift test` wrote beside the given path; None without one."""
    paths = glob.glob(report[:-4] + "*.xml")
    cases = [case for path in paths for case in xml.etree.ElementTree.parse(path).iter("testcase")]
    failed = sum(1 for case in cases if case.find("failure") is not None or case.find("error") is not None)
    skipped = sum(1 for case in cases if case.find("skipped") is not None)
    return (len(cases) - failed - skipped, failed, skipped) if cases else None


def swift_tests(tally, logs, name, *options):
    heading(f"Swift tests, {name}")
    report = f"{logs}/swift-test-{name.replace(' ', '-')}.xml"
    for path in glob.glob(report[:-4] + "*.xml"):
        os.remove(path)
    code, text = run(
        ["swift", "test", "--skip-build", "--disable-xctest", "--xunit-output", report, *options],
        f"{logs}/swift-test-{name.replace(' ', '-')}.log",
        echo=r"✘|error:|Suite .* (passed|failed) after|Fatal|Crash")
    found, total = swift_outcomes(text)
    passed, failed, skipped = (len(found[key]) for key in ("passed", "failed", "skipped"))
    if total is None:
        # The process died: whatever had begun and not ended has failed.
        ended = collections.Counter(found["passed"] + found["failed"])
        unfinished = sorted((collections.Counter(found["started"]) - ended).elements())
        print("   the test process did not come to its end; unfinished: " + ", ".join(unfinished), flush=True)
        print(text[-3000:], flush=True)
        failed = max(failed + len(unfinished), 1)
    elif passed + failed + skipped != total and (counts := xunit_counts(report)) and sum(counts) == total:
        # Lines of its output are lost now and then when many tests end at once; its report has them all.
        passed, failed, skipped = counts
    elif passed + failed + skipped != total:
        print(f"   {total} tests were run, the outcome of {passed + failed + skipped} was read", flush=True)
        failed += abs(total - passed - failed - skipped)
    if code != 0 and failed == 0:
        failed = 1
        print(text[-3000:], flush=True)
    if REQUIRE and skipped:
        print("   skipped although a broker is required: " + ", ".join(found["skipped"]), flush=True)
        failed, skipped = failed + skipped, 0
    tally.add(name, passed, failed, skipped)


def all_swift_tests(tally, logs):
    if not BROKER:
        return swift_tests(tally, logs, "no broker")
    swift_tests(tally, logs, "without broker", "--skip", BROKER_SUITES)
    swift_tests(tally, logs, "on the broker", "--filter", BROKER_SUITES)


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


def release_checks(tally, logs):
    """What only an optimised build can show."""
    heading("Allocations of the rule engine (release)")
    code, text = run(
        [os.path.join(ROOT, ".build", "release", "RulesBench"), ".", "allocations"], f"{logs}/allocations.log",
        echo=r"allocations")
    tally.add("allocations", int(code == 0), int(code != 0), 0)


def scenario_suites(tally, logs):
    for script, title in (
        ("Tests/Scenarios/trial_run.py", "Trial run against the oracle"),
        ("Tests/Scenarios/processes.py", "Four executables as processes"),
        ("Tests/Scenarios/faults.py", "Stages under faults"),
        ("Tests/Scenarios/lost_acks.py", "Lost acknowledgements"),
        ("Tests/Scenarios/standby.py", "Standby instances"),
    ):
        if not os.path.exists(os.path.join(ROOT, script)):
            continue
        heading(title)
        code, text = run(
            [sys.executable, "-u", script], f"{logs}/{os.path.basename(script)}.log", echo=r"^(ok|FAIL|SKIP|  )",
            timeout=14_400 if LONG else 1200)
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
        all_swift_tests(tally, logs)
        python_tests(tally, logs)
        release_checks(tally, logs)
        scenario_suites(tally, logs)
    print(f"Tests took {time.monotonic() - started:.0f} s; logs in .build/test-logs", flush=True)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped", flush=True)
    return 1 if tally.failed or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
