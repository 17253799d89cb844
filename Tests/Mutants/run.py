#!/usr/bin/env python3
"""Breaks PassFlow on purpose, one line at a time, and demands that the tests see it.

`make mutants` takes all of Tests/Mutants/mutants.json, `make mutants ONLY=lane` those whose name contains a text. Each is
put into a copy of the tree, built, and the tests that should find it are run: a mutant that they let live, a line that is
no longer there, or a copy that does not build is a failure. About a minute each; not part of `make test`.
"""
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(ROOT, ".build", "mutants", "tree")


def copy_tree():
    """The tracked files as they are now; those that have not changed keep their time, so that little is built."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.split(b"\0")
    names = {os.fsdecode(name) for name in listed if name}
    for folder, folders, files in os.walk(TREE):
        folders[:] = [name for name in folders if name != ".build"]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.relpath(path, TREE) not in names:
                os.remove(path)
    for name in sorted(names):
        source, target = os.path.join(ROOT, name), os.path.join(TREE, name)
        if not os.path.exists(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as file:
            content = file.read()
        if os.path.exists(target):
            with open(target, "rb") as file:
                if file.read() == content:
                    continue
        with open(target, "wb") as file:
            file.write(content)


def swift(log, *arguments):
    with open(log, "w", encoding="utf-8") as file:
        return subprocess.run(["swift", *arguments], cwd=TREE, stdout=file, stderr=subprocess.STDOUT, check=False,
                              timeout=1800, stdin=subprocess.DEVNULL).returncode


def outcome(mutant, logs):
    """What became of one mutant, and whether that is as it should be."""
    path = os.path.join(TREE, mutant["file"])
    with open(path, encoding="utf-8") as file:
        original = file.read()
    if original.count(mutant["line"]) != 1:
        return False, f"the line is there {original.count(mutant['line'])} times: mend mutants.json"
    log = os.path.join(logs, mutant["name"])
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(original.replace(mutant["line"], mutant["instead"]))
        if swift(log + ".build.log", "build", "--build-tests") != 0:
            return False, f"does not build: {log}.build.log"
        code = swift(log + ".test.log", "test", "--skip-build", "--disable-xctest", "--filter", mutant["tests"])
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(original)
    with open(log + ".test.log", encoding="utf-8", errors="replace") as file:
        text = file.read()
    if code == 0:
        return False, "LIVES: no test saw it" if "0 tests" not in text else "no test has that name"
    finding = next((line for line in text.splitlines() if "recorded an issue" in line), "the tests ended")
    return True, finding.strip()[:150]


def main():
    with open(os.path.join(ROOT, "Tests", "Mutants", "mutants.json"), encoding="utf-8") as file:
        mutants = json.load(file)
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    mutants = [mutant for mutant in mutants if only in mutant["name"]]
    logs = os.path.join(ROOT, ".build", "mutants", "logs")
    os.makedirs(logs, exist_ok=True)
    copy_tree()
    print(f"{len(mutants)} mutants; building the copy …", flush=True)
    if swift(os.path.join(logs, "build.log"), "build", "--build-tests") != 0:
        sys.exit(f"the unbroken copy does not build: {logs}/build.log")
    found = 0
    for number, mutant in enumerate(mutants, 1):
        start = time.monotonic()
        good, text = outcome(mutant, logs)
        found += good
        sign = "found" if good else "NOT FOUND"
        print(f"{number}/{len(mutants)} {sign} {mutant['name']} ({time.monotonic() - start:.0f} s): {text}", flush=True)
    print(f"{found} of {len(mutants)} mutants found")
    sys.exit(0 if found == len(mutants) and mutants else 1)


if __name__ == "__main__":
    main()
