#!/usr/bin/env python3
"""Starts the stages and the relay, lets them run in turn, prints the figures. Called by benchmarks/run.sh."""
import datetime
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time

import repeat_sample
from processes import Relay, ROOT, Stage, Usage, bench, ingest, passflow

PARTITIONS = int(os.environ.get("PASSFLOW_BENCH_PARTITIONS", "6"))
WORK = os.environ["PASSFLOW_BENCH_WORK"]
# Results of the rounds before this one, when there are several.
COLLECTED = os.path.join(os.environ.get("PASSFLOW_BENCH_COLLECT", WORK), "rounds.json")
SAMPLE_LINES = 10_232
FLAT_COPIES = 10
FLAT_REPEATS = 3
RELAY_ROUNDS = 3
RATES = (2_000, 8_000)
RATE_SECONDS = 10
RATE_REPEATS = 2
QUANTILES = ("p50_ms", "p99_ms", "p999_ms", "max_ms")
STAGES = ("enrich", "evaluate", "apply")


class Bench:
    def __init__(self):
        self.copies_used = 0
        self.processes = {}
        self.rounds, self.flat, self.rates, self.peaks = 1, [], [], {}

    def orders(self, copies):
        """A file of orders that nobody has seen yet."""
        path = os.path.join(WORK, "orders.ndjson")
        lines = repeat_sample.repeat(path, copies, self.copies_used, seed=1)
        self.copies_used += copies
        return path, lines

    def start(self):
        listed = passflow("topics", "list").split()
        if any(name in listed for name in ("orders:", "bench.relay.0:")):
            sys.exit("run.py: this broker has PassFlow's topics already; the benchmark needs one without")
        passflow("topics", "create", "--partitions", str(PARTITIONS))
        self.processes = {name: Stage(name, WORK) for name in STAGES}
        for stage in self.processes.values():
            stage.wait_ready()

    def stop(self):
        return {name: process.stop() for name, process in self.processes.items()}

    # Flat out

    def pipeline_flat(self, path, lines):
        before = Usage(self.processes)
        started = time.monotonic()
        fed, ingest_cpu, ingest_rss = ingest(path, WORK)
        bench("drain")
        seconds = time.monotonic() - started
        after = Usage(self.processes)
        return {"who": "pipeline", "orders": lines, "seconds": seconds, "rate": lines / seconds,
                "feeding_seconds": fed, "cpu": {**after.since(before), "ingest": ingest_cpu},
                "ingest_peak_mb": ingest_rss, "resident_mb": after.resident}

    def relay_flat(self, path, lines):
        """The same file several times over: once would be too short to measure."""
        before = Usage(self.processes)
        seconds = 0
        for _ in range(RELAY_ROUNDS):
            result = json.loads(bench("drive", path, "bench.relay.0", "bench.relay.3", "0", "offset"))
            if result["missing"]:
                sys.exit(f"run.py: the relay lost {result['missing']} of {lines} records")
            seconds += result["seconds"]
        orders = RELAY_ROUNDS * lines
        return {"who": "relay", "orders": orders, "seconds": seconds, "rate": orders / seconds,
                "cpu": Usage(self.processes).since(before)}

    def run_flat(self):
        for number in range(FLAT_REPEATS + 1):
            path, lines = self.orders(FLAT_COPIES)
            if number == 0:
                # The relay's messages are to have the sizes that the pipeline's have.
                results = [self.pipeline_flat(path, lines)]
                self.start_relay()
                results.append(self.relay_flat(path, lines))
            else:
                results = [self.pipeline_flat(path, lines), self.relay_flat(path, lines)]
            os.remove(path)
            for result in results:
                result["warm_up"] = number == 0
                self.flat.append(result)
                print(f"  flat out {result['who']:8}  {result['rate']:9,.0f}/s  "
                      f"{'(warm-up)' if number == 0 else ''}", flush=True)

    def read_sizes(self, *topics):
        """Records and mean bytes of a value, by topic."""
        lines = [line.split() for line in bench("sizes", *topics).splitlines()]
        return {name: (int(records), int(mean)) for name, records, mean in lines}

    def check(self):
        """Figures of orders that were refused, lost or doubled on the way in would mean nothing."""
        found = self.read_sizes("orders", "orders.dlq")
        fed = self.copies_used * SAMPLE_LINES
        if found["orders"][0] != fed or found["orders.dlq"][0]:
            sys.exit(f"run.py: fed {fed} snapshots, found {found['orders'][0]} and {found['orders.dlq'][0]} dead letters")

    def start_relay(self):
        self.sizes = self.read_sizes("orders", "orders.enriched", "decisions", "apply.ledger")
        means = [self.sizes[name][1] for name in ("orders", "orders.enriched", "decisions", "apply.ledger")]
        ratios = [str(after / before) for before, after in zip(means, means[1:])]
        self.processes["relay"] = Relay(PARTITIONS, ratios, WORK)

    # Fixed rates

    def at_rate(self, who, path, rate):
        topics = ("orders", "decisions") if who == "pipeline" else ("bench.relay.0", "bench.relay.2")
        before = Usage(self.processes)
        result = json.loads(bench("drive", path, *topics, str(rate), "position" if who == "pipeline" else "offset"))
        bench("drain")
        if result["missing"]:
            sys.exit(f"run.py: {result['missing']} of {result['sent']} never came out of the {who}")
        result.update(who=who, rate=rate, cpu=Usage(self.processes).since(before))
        print(f"  {rate:6,}/s {who:8}  p50 {result['p50_ms']:7.1f}  p99 {result['p99_ms']:7.1f}  "
              f"max {result['max_ms']:7.1f} ms  (driver behind by at most {result['driver_behind_ms']:.1f} ms)", flush=True)
        self.rates.append(result)

    def run_rates(self):
        for rate in RATES:
            for _ in range(RATE_REPEATS):
                path, _ = self.orders(max(1, round(rate * RATE_SECONDS / SAMPLE_LINES)))
                self.at_rate("pipeline", path, rate)
                self.at_rate("relay", path, rate)
                os.remove(path)


    def collect(self):
        """Adds the rounds before to this one, and leaves all for the next."""
        if os.path.exists(COLLECTED):
            with open(COLLECTED) as file:
                before = json.load(file)
            self.rounds += before["rounds"]
            self.flat = before["flat"] + self.flat
            self.rates = before["rates"] + self.rates
            self.peaks = {name: max(peak, before["peaks_mb"].get(name, 0)) for name, peak in self.peaks.items()}
        with open(COLLECTED, "w") as file:
            json.dump(self.kept(), file, indent=1)

    def kept(self):
        return {"rounds": self.rounds, "flat": self.flat, "rates": self.rates, "peaks_mb": self.peaks,
                "sizes": self.sizes}


def median_of(results, key):
    return statistics.median(key(result) for result in results)


def spread(results, key, form):
    values = sorted(key(result) for result in results)
    return f"{form(statistics.median(values))} ({form(values[0])}–{form(values[-1])})"


def report(run):
    thousands = "{:,.0f}".format
    lines = [f"{platform.machine()}, {os.cpu_count()} cores, one broker beside, {PARTITIONS} partitions, "
             f"{run.rounds} round{'s' if run.rounds > 1 else ''}; medians (least–most)", ""]
    kept = [result for result in run.flat if not result["warm_up"]]
    by = {who: [result for result in kept if result["who"] == who] for who in ("pipeline", "relay")}
    lines += [f"Flat out, {by['pipeline'][0]['orders']:,} snapshots, {len(by['pipeline'])} times in turn", "",
              "| | snapshots/s | ratio to relay |", "|---|---|---|"]
    ratios = sorted(a["rate"] / b["rate"] for a, b in zip(by["pipeline"], by["relay"]))
    lines.append(f"| pipeline, file to ledger | {spread(by['pipeline'], lambda r: r['rate'], thousands)} | "
                 f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) |")
    lines.append(f"| relay, three hops | {spread(by['relay'], lambda r: r['rate'], thousands)} | 1 |")
    lines += ["", "| process | CPU µs a snapshot | CPU s a run | peak RSS MB |", "|---|---|---|---|"]
    for name in ("ingest", "enrich", "evaluate", "apply", "broker"):
        with_it = [result for result in by["pipeline"] if name in result["cpu"]]
        if with_it:
            peak = max(result["ingest_peak_mb"] for result in by["pipeline"]) if name == "ingest" else run.peaks.get(name)
            lines.append(cpu_row(name, with_it, name, peak))
    lines.append(cpu_row("relay (all three hops)", by["relay"], "relay", run.peaks.get("relay")))
    if "broker" in by["relay"][0]["cpu"]:
        lines.append(cpu_row("broker under the relay", by["relay"], "broker", None))
    lines += ["", f"Order → decision at fixed rates, {RATE_SECONDS} s each, {RATE_REPEATS * run.rounds} times in turn, ms from when it was due", "",
              "| rate | | p50 | p99 | p99.9 | most | CPU cores, broker's among them |", "|---|---|---|---|---|---|---|"]
    one = "{:.1f}".format
    for rate in RATES:
        found = {who: [result for result in run.rates if result["rate"] == rate and result["who"] == who] for who in by}
        for who, results in found.items():
            cells = " | ".join(spread(results, lambda r, k=key: r[k], one) for key in QUANTILES)
            cores = median_of(results, lambda r: sum(r["cpu"].values()) / r["seconds"])
            broker = median_of(results, lambda r: r["cpu"].get("broker", 0) / r["seconds"])
            lines.append(f"| {rate:,}/s | {who} | {cells} | {cores:.2f}, {broker:.2f} |")
        pairs = list(zip(found["pipeline"], found["relay"]))
        cells = " | ".join(f"{median_of(pairs, lambda p, k=key: p[0][k] / p[1][k]):.1f}" for key in QUANTILES)
        lines.append(f"| | ratio | {cells} | |")
    behind = max(result["driver_behind_ms"] for result in run.rates)
    lines += ["", f"The driver was behind its schedule by at most {behind:.1f} ms. Mean bytes of a value: "
              + ", ".join(f"{name} {mean}" for name, (_, mean) in run.sizes.items() if mean) + "."]
    return "\n".join(lines)


def cpu_row(title, results, name, peak):
    each = statistics.median(result["cpu"][name] / result["orders"] * 1e6 for result in results)
    total = statistics.median(result["cpu"][name] for result in results)
    return f"| {title} | {each:.1f} | {total:.2f} | {'' if peak is None else f'{peak:.0f}'} |"


def main():
    run = Bench()
    codes = {}
    # Ended from outside, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("run.py: told to end"))
    try:
        run.start()
        run.run_flat()
        run.run_rates()
        run.peaks = Usage(run.processes).peaks
        run.check()
        run.collect()
    finally:
        codes = run.stop()
    bad = {name: code for name, code in codes.items() if code != 0}
    if bad:
        print(f"run.py: did not end well: {bad}", file=sys.stderr)
    text = report(run)
    stamp = datetime.datetime.now().strftime("%Y-%m-%dT%H%M%S")
    folder = os.path.join(ROOT, "benchmarks", "results")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, stamp + ".json"), "w") as file:
        json.dump(run.kept(), file, indent=1)
    with open(os.path.join(folder, stamp + ".md"), "w") as file:
        file.write(text + "\n")
    print(f"\n{text}\n\nKept: benchmarks/results/{stamp}.md and .json", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
