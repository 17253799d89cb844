#!/usr/bin/env python3
"""Makes an adversarial stream of order events: real orders out of the sample, and invented ones on every edge.

    generate.py --seed N --orders K --out orders.ndjson --reference DIR [--real FILE] [--shuffle] [--bad]

About half of the orders are real (`--real-orders` to change), the rest are invented; both get duplicates, stale
snapshots, lost snapshots and late lines. `--bad` mixes in lines that must be refused and writes their numbers to
OUT.bad.json: {"refused": {line: what}, "accepted": {line: what}}. The same arguments give the same bytes.
"""

import argparse
import copy
import csv
import gzip
import ipaddress
import json
import os
import random
import shutil
import sys

import bad_lines
import oracle
from events import instant
from synthetic import ANCHORS, CAMPAIGN, DAY, HOUR, SECOND, SKUS, Customer, written

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GEO_EXTRA = (  # first, last, country: edges for invented buyers (not all true of the real internet)
    ("8.8.8.0", "8.8.8.255", "US"), ("9.9.9.0", "9.9.9.255", "??"), ("6.6.6.0", "6.6.6.255", "AP"),
    ("7.7.7.0", "7.7.7.255", "EU"), ("223.62.1.0", "223.62.1.255", "KR"), ("223.62.2.0", "223.62.2.255", "JP"),
    ("2a00:1450::", "2a00:1450:ffff:ffff:ffff:ffff:ffff:ffff", "IE"),
    ("2001:2d8::", "2001:2d8:ffff:ffff:ffff:ffff:ffff:ffff", "KR"))
ADDRESSES = ["8.8.8.0", "8.8.8.255", "8.8.8.8", "9.9.9.9", "6.6.6.6", "7.7.7.7", "223.62.1.1", "223.62.1.255",
             "223.62.2.0", "223.62.2.255", "::ffff:8.8.8.8", "::ffff:223.62.1.1", "2a00:1450::1", "2001:2d8::1",
             "2A00:1450:0:0::8", "2a00:1451::1", "8.8.9.0", "223.62.1.77", "223.62.1.78", "8.8.4.4"]


# Reference tables ----------------------------------------------------------------------------------------------

def write_reference(directory, base, seed):
    """The sample's tables with the invented SKUs' entries added."""
    os.makedirs(directory, exist_ok=True)
    rng = random.Random(f"{seed}:reference")
    for name in ("zones.csv", "holidays.csv"):
        shutil.copyfile(os.path.join(base, name), os.path.join(directory, name))
    start, end = CAMPAIGN
    entries = [("event", sku, start, end) for sku in SKUS[:10]] + [("event", "PX21", start, end)]
    entries += [("event", SKUS[22], end, ""), ("event", SKUS[0], "2026-11-30T12:00:00+09:00", "2026-12-01T00:00:00Z")]
    entries += [("new", sku, start, "") for sku in SKUS[10:20]] + [("best", sku, "", end) for sku in SKUS[15:25]]
    entries += [("same_day", sku, "", "") for sku in SKUS[5:15]] + [("same_day", "PX25", "", "")]
    append(base, directory, "lists.csv", entries)
    levels = []
    for number, sku in enumerate(SKUS[:20]):
        for anchor in sorted(set(ANCHORS)):
            if anchor < DAY or rng.random() < 0.2:
                continue
            age = (0, DAY, DAY + 1, HOUR, -1, DAY - SECOND)[(number + anchor // SECOND) % 6]
            levels.append((anchor - age, sku, rng.randint(0, 8), 3))
    rows = [(sku, quantity, safety, written(rng, as_of)) for as_of, sku, quantity, safety in unique(levels)]
    append(base, directory, "stock.csv", rows)
    write_geo(base, directory)


def unique(levels):
    """One level for each SKU and instant."""
    return sorted({(as_of, sku): (as_of, sku, quantity, safety) for as_of, sku, quantity, safety in levels}.values())


def append(base, directory, name, rows):
    shutil.copyfile(os.path.join(base, name), os.path.join(directory, name))
    with open(os.path.join(directory, name), "a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def write_geo(base, directory):
    """The sample's ranges and the extra ones that overlap none of them, in order; IPv4 as number or dotted."""
    ranges = {4: [], 6: []}
    with open(os.path.join(base, "geo.csv"), encoding="utf-8") as file:
        lines = [line.strip().split(",") for line in file if not line.startswith("#")]
    for number, (first, last, country) in enumerate([*lines, *GEO_EXTRA]):
        (version, low), (_, high) = oracle.number(first), oracle.number(last)
        if number < len(lines) or all(high < other[0] or other[1] < low for other in ranges[version]):
            ranges[version].append((low, high, first, last, country))
    with open(os.path.join(directory, "geo.csv"), "w", encoding="utf-8") as file:
        file.write("# IP geolocation: IPFire Location Database, https://location.ipfire.org/, CC BY-SA 4.0; invented ranges added.\n")
        for version in (4, 6):
            for _, _, first, last, country in sorted(ranges[version]):
                file.write(f"{first},{last},{country}\n")


# Real orders ---------------------------------------------------------------------------------------------------

def real_orders(path, count):
    """[[(event time, row)]]: the snapshots of the first `count` orders of a file, versions ten apart."""
    orders = {}
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            identity = (row["mall_id"], row["shop_no"], row["order_id"])
            if identity not in orders and len(orders) >= count:
                continue
            row["version"] *= 10
            orders.setdefault(identity, []).append((instant(row["event_time"]), row))
    return list(orders.values())


# What goes wrong on the way ------------------------------------------------------------------------------------

def kind(row):
    """open, shipped or cancelled."""
    statuses = [item["status"] for item in row["items"]]
    if any(item.get("tracking_no") for item in row["items"]) or any(
            status in ("N30", "N40", "N50") or status[:1] in ("R", "E") for status in statuses):
        return "shipped"
    return "cancelled" if all(status[:1] == "C" and status >= "C40" for status in statuses) else "open"


def plain_enough(snapshots):
    """No step straight from shipped to fully cancelled or back: what is kept then is not defined."""
    highest, kinds = -1, []
    for _, row in sorted(snapshots, key=lambda pair: (pair[0], -pair[1]["version"])):
        if row["version"] > highest:
            highest = row["version"]
            kinds.append(kind(row))
    return all({one, two} != {"shipped", "cancelled"} for one, two in zip(kinds, kinds[1:]))


def troubled(rng, snapshots):
    """Lost, swapped, simultaneous and stale snapshots of one order, each seldom."""
    found = list(snapshots)
    way = rng.random()
    if way < 0.05 and len(found) > 1:
        found = found[rng.randint(1, len(found) - 1):]
    elif way < 0.10 and len(found) > 2:
        del found[rng.randint(1, len(found) - 2)]
    elif way < 0.13 and len(found) > 1:
        at = rng.randint(0, len(found) - 2)
        (one, row), (two, next_row) = found[at:at + 2]
        found[at:at + 2] = [dated(rng, two, row), dated(rng, one, next_row)]
    elif way < 0.16 and len(found) > 1:
        at = rng.randint(0, len(found) - 2)
        found[at + 1] = dated(rng, found[at][0], found[at + 1][1])
    elif way < 0.40 and (at := reshipped(found)) is not None:
        found[at] = dated(rng, found[at - 1][0], found[at][1])
    elif way < 0.22 and len(found) > 1:
        at = rng.randint(0, len(found) - 2)
        row = copy.deepcopy(found[at][1])
        row["version"] += 1
        status = rng.choice(("N10", "N20", "C40", "N40"))
        for item in row["items"]:
            item["status"] = status
        after = found[-1][0] + rng.choice((0, SECOND, HOUR))
        found.append(dated(rng, after, row))
    return found if plain_enough(found) else list(snapshots)


def reshipped(snapshots):
    """Where a parcel leaves again right after a revert: both at one instant make no break."""
    kinds = [kind(row) for _, row in snapshots]
    return next((at for at in range(2, len(kinds)) if kinds[at - 2:at + 1] == ["shipped", "open", "shipped"]), None)


def dated(rng, time, row):
    row = copy.deepcopy(row)
    row["event_time"] = written(rng, time)
    return time, row


def lines_of(rng, orders):
    """[(when it arrives, bytes)]: event time, with duplicates and lines that come late."""
    result = []
    for snapshots in orders:
        for time, row in troubled(rng, snapshots):
            raw = json.dumps(row, ensure_ascii=rng.random() < 0.05, separators=(",", ":")).encode("utf-8")
            arrives = time + (rng.randint(0, 5 * DAY) if rng.random() < 0.06 else 0)
            result.append((arrives, raw))
            if rng.random() < 0.05:
                result.append((arrives + rng.randint(0, 2 * DAY), raw))
    result.sort(key=lambda pair: pair[0])
    return [raw for _, raw in result]


def with_bad(rng, lines):
    """Lines with refused and odd ones mixed in: [(what or None, must be refused, bytes)]."""
    mixed = [(None, False, raw) for raw in lines]
    for what, raw in bad_lines.refused(0):
        mixed.insert(rng.randint(0, len(mixed)), (what, True, raw))
    for what, raw in bad_lines.accepted(500_000):
        mixed.insert(rng.randint(0, len(mixed)), (what, False, raw))
    return mixed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--reference", required=True, help="directory to write the tables to")
    parser.add_argument("--real", default=os.path.join(ROOT, "benchmarks/sample/orders.ndjson.gz"))
    parser.add_argument("--real-orders", type=int, help="default: half, as far as the file goes")
    parser.add_argument("--base", default=os.path.join(ROOT, "config/reference"), help="tables of the real orders")
    parser.add_argument("--shuffle", action="store_true")
    parser.add_argument("--bad", action="store_true")
    options = parser.parse_args()
    rng = random.Random(f"{options.seed}:stream")
    wanted = options.orders // 2 if options.real_orders is None else options.real_orders
    orders = real_orders(options.real, wanted) if wanted else []
    real = len(orders)
    number = 0
    while len(orders) < options.orders:
        orders += list(Customer(number, options.seed, ADDRESSES).orders())
        number += 1
    del orders[options.orders:]
    lines = lines_of(rng, orders)
    mixed = with_bad(rng, lines) if options.bad else [(None, False, raw) for raw in lines]
    if options.shuffle:
        rng.shuffle(mixed)
    with open(options.out, "wb") as out:
        out.writelines(raw + b"\n" for _, _, raw in mixed)
    if options.bad:
        numbered = [(line, what, refused) for line, (what, refused, _) in enumerate(mixed, 1) if what]
        with open(options.out + ".bad.json", "w", encoding="utf-8") as file:
            json.dump({"refused": {str(line): what for line, what, refused in numbered if refused},
                       "accepted": {str(line): what for line, what, refused in numbered if not refused}}, file, indent=1)
    write_reference(options.reference, options.base, options.seed)
    print(f"seed {options.seed}: {real} real and {len(orders) - real} invented orders, {len(mixed)} lines", file=sys.stderr)


if __name__ == "__main__":
    main()
