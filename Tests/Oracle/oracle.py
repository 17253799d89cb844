#!/usr/bin/env python3
"""The second opinion: computes labels.csv from the definitions of the facts, slowly and plainly.

    oracle.py --orders FILE.ndjson --reference DIR --out labels.csv [--refused lines.json]

Reads everything into memory, looks at each order with all its siblings, keeps nothing between orders. No stage's
code is used, and no cleverness: where this file and a stage differ, read this file first.
"""

import argparse
import bisect
import calendar
import csv
import ipaddress
import json
import os
import sys
import unicodedata
from collections import Counter
from datetime import timedelta
from fractions import Fraction

from events import Refused, Snapshot, civil, instant, merged_keys

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BUNDLE_WITHIN = 60 * MINUTE
STOCK_AGE_MAX = 24 * HOUR
REMOTE = ("제주", "도서산간")
MISSING = None


# Reference tables ----------------------------------------------------------------------------------------------

class Reference:
    def __init__(self, directory=None):
        self.zones, self.lists, self.stock, self.holidays = [], {}, {}, set()
        self.ranges = {4: [], 6: []}
        if directory is None:
            return
        for row in table(directory, "zones.csv"):
            self.zones.append((row["from_zip"], row["to_zip"], row["region"]))
        for row in table(directory, "lists.csv"):
            first = instant(row["valid_from"]) if row["valid_from"] else None
            end = instant(row["valid_to"]) if row["valid_to"] else None
            self.lists.setdefault(row["list"], {}).setdefault(row["sku"], []).append((first, end))
        for row in table(directory, "stock.csv"):
            level = (instant(row["as_of"]), int(row["quantity"]), int(row["safety"]))
            self.stock.setdefault(row["sku"], []).append(level)
        self.holidays = {row["date"] for row in table(directory, "holidays.csv")}
        self.read_geo(os.path.join(directory, "geo.csv"))

    def read_geo(self, path):
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as file:
            for line in file:
                parts = line.strip().split(",")
                if line.startswith("#") or len(parts) < 3:
                    continue
                try:
                    first, last = (number(part) for part in parts[:2])
                except ValueError:
                    continue  # a header
                self.ranges[first[0]].append((first[1], last[1], parts[2].strip()))
        for ranges in self.ranges.values():
            ranges.sort()

    def country(self, version, value):
        ranges = self.ranges[version]
        position = bisect.bisect_right(ranges, (value, float("inf"))) - 1
        if position < 0 or ranges[position][1] < value or ranges[position][2] in ("??", "AP"):
            return MISSING
        return ranges[position][2]


def table(directory, name):
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    if text.isdecimal():
        return 4, int(text)
    address = ipaddress.ip_address(text)
    return address.version, int(address)


# The fold ------------------------------------------------------------------------------------------------------

def timeline(snapshots):
    """[(event time, snapshot)]: from each of these instants on, that snapshot is the order's state."""
    changes = []
    for snapshot in sorted(snapshots, key=lambda s: (s.event_time, -s.version)):
        if not changes or snapshot.version > changes[-1][1].version:
            changes.append((snapshot.event_time, snapshot))
    return changes


def state_at(changes, time, before=False):
    """State of an order at `time`, or just before it. None: not yet seen."""
    found = None
    for since, snapshot in changes:
        if since < time or (since == time and not before):
            found = snapshot
    return found


def closed_since(changes):
    """c(X): since when the order has been closed without a break, or None while it is open."""
    since = None
    for time, snapshot in changes:
        if not snapshot.closed():
            since = None
        elif since is None:
            since = time
    return since


class Order:
    def __init__(self, snapshots):
        self.changes = timeline(one_of_each_version(snapshots))
        self.last = self.changes[-1][1]
        self.identity, self.key = self.last.identity, self.last.key
        self.placed_at = self.last.placed_at
        self.position = (self.placed_at, self.identity[2].encode())
        self.closed_since = closed_since(self.changes)
        self.first_seen_closed = self.closed_since is not None and self.closed_since == self.changes[0][0]

    def at_deciding_instant_of(self, other):
        """This order's state at T(other)."""
        if other.closed_since is None:
            return self.last
        return state_at(self.changes, other.closed_since, before=not other.first_seen_closed)


def one_of_each_version(snapshots):
    """Of equal versions with different content the one with the smaller event time, then bytes, counts."""
    chosen = {}
    for snapshot in sorted(snapshots, key=lambda s: (s.event_time, s.raw)):
        chosen.setdefault(snapshot.version, snapshot)
    return chosen.values()


# Facts ---------------------------------------------------------------------------------------------------------

def amount_items(state):
    return sum((item.price * item.quantity for item in state.items if item.live and not item.gift), Fraction(0))


def net_amount(state):
    price = {item.code: item.price for item in state.items if item.live and not item.gift}
    taken = sum(price.get(code, 0) * quantity for claim in state.claims
                if claim.status == "completed" and claim.kind in ("cancel", "return")
                for code, quantity in claim.items)
    return max(amount_items(state) - taken, Fraction(0))


def months_before(microseconds, months):
    """The same civil time, months earlier; the day clamped to the month's last."""
    moment = civil(microseconds)
    total = moment.year * 12 + moment.month - 1 - months
    year, month = total // 12, total % 12 + 1
    earlier = moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
    return microseconds + (earlier - moment) // timedelta(microseconds=1)


def tidy(text):
    return " ".join(unicodedata.normalize("NFC", text).split())


def first_receiver(state):
    """(name, zip, address1, address2) of receiver 1, else of the first one; None without any."""
    chosen = next((row for row in state.receivers if row.get("receiver_no") == 1), None)
    chosen = chosen or (state.receivers[0] if state.receivers else None)
    if chosen is None:
        return None
    return tuple(tidy(chosen.get(name) or "") for name in ("name", "zipcode", "address1", "address2"))


def zone(receiver, reference):
    country = receiver.get("country") or "KR"
    if country != "KR":
        return "none"
    zipcode = (receiver.get("zipcode") or "").strip()
    five = len(zipcode) == 5 and all(letter in "0123456789" for letter in zipcode)
    tokens = tidy(receiver.get("address1") or "").split(" ")
    if five:
        for first, last, region in reference.zones:
            if int(first) <= int(zipcode) <= int(last):
                return region
    if tokens[0] in ("제주특별자치도", "제주도", "제주"):
        return "제주"
    if len(tokens) > 1 and (tokens[0], tokens[1]) in (
            ("경상북도", "울릉군"), ("경북", "울릉군"), ("인천광역시", "옹진군"), ("인천", "옹진군"),
            ("전라남도", "신안군"), ("전남", "신안군")):
        return "도서산간"
    return "none" if five or tokens[0] else MISSING


def ip_country(text, reference):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return MISSING
    if "%" in text:
        return MISSING
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    if not address.is_global or address.is_multicast:
        return MISSING
    return reference.country(address.version, int(address))


class Facts:
    """The facts of one order X at T(X). MISSING is None."""

    def __init__(self, order, siblings, reference):
        self.order, self.reference = order, reference
        self.state = order.at_deciding_instant_of(order)
        self.has_key = order.key is not None
        self.others = []
        if self.has_key:
            for other in siblings:
                if other is not order:
                    state = other.at_deciding_instant_of(order)
                    if state is not None:
                        self.others.append((other, state))

    def amount_items(self):
        return amount_items(self.state)

    def history_orders(self):
        if not self.has_key:
            return MISSING
        return sum(1 for other, state in self.others
                   if other.position < self.order.position and not state.fully_cancelled())

    def history_amount(self):
        if not self.has_key:
            return MISSING
        return sum((net_amount(state) for other, state in self.others
                    if other.position < self.order.position and state.payment == "paid"
                    and state.currency == self.state.currency), Fraction(0))

    def history_claims(self, months, kinds):
        if not self.has_key:
            return MISSING
        since = months_before(self.order.placed_at, months)
        return sum(1 for _, state in self.others if any(
            claim.status == "completed" and claim.kind in kinds and claim.reason in ("A", "E", "F", "")
            and claim.completed is not None and since <= claim.completed < self.order.placed_at
            for claim in state.claims))

    def bundle_partners(self):
        if not self.has_key:
            return MISSING
        receiver = first_receiver(self.state)
        if self.order.first_seen_closed or self.state.gift_pending or receiver is None:
            return 0
        return sum(1 for other, state in self.others
                   if abs(other.placed_at - self.order.placed_at) <= BUNDLE_WITHIN and not state.closed()
                   and not state.gift_pending and first_receiver(state) == receiver)

    def remote(self):
        """Some receiver's zone is Jeju or an island. With nothing known of any receiver: missing."""
        zones = [zone(receiver, self.reference) for receiver in self.state.receivers]
        if any(found in REMOTE for found in zones):
            return True
        return MISSING if not zones or MISSING in zones else False

    def ip_foreign(self):
        country = ip_country(self.state.ip, self.reference)
        return MISSING if country is MISSING else country != "KR"

    def in_list(self, name):
        entries = self.reference.lists.get(name)
        if entries is None:
            return MISSING
        placed = self.order.placed_at
        return any((first is None or first <= placed) and (end is None or placed < end)
                   for item in self.state.items if item.live and not item.gift
                   for code in (item.sku, item.product)
                   for first, end in entries.get(code, ()))

    def low_stock(self):
        """Some live item whose level after this order is at or under its safety stock."""
        own = Counter()
        for item in self.state.live_items():
            own[item.sku] += item.quantity
        for sku, quantity in own.items():
            known = [level for level in self.reference.stock.get(sku, ()) if level[0] <= self.order.placed_at]
            if not known:
                continue
            as_of, level, safety = max(known)
            if self.order.placed_at - as_of <= STOCK_AGE_MAX and level - quantity <= safety:
                return True
        return False

    def same_day_in_time(self):
        moment = civil(self.order.placed_at if self.state.paid_at is None else self.state.paid_at)
        return (self.state.payment == "paid" and moment.hour < 11 and moment.weekday() < 5
                and moment.date().isoformat() not in self.reference.holidays)


# The rules -----------------------------------------------------------------------------------------------------

def both(*terms):
    """True only if every term is: missing is not true."""
    return all(term is True for term in terms)


def at_least(value, bound):
    return value is not MISSING and value >= bound


RULES = [
    # id, labels, kept when cancelled, condition
    ("FIRST_ORDER", ["FIRST_ORDER"], False, lambda f: f.history_orders() == 0),
    ("ISLAND_SHIP", ["ISLAND_SHIP"], False, lambda f: f.remote() is True),
    ("HIGH_VALUE", ["HIGH_VALUE"], False, lambda f: at_least(f.amount_items(), 100_000)),
    ("BUNDLE_SHIP", ["BUNDLE_SHIP"], False, lambda f: at_least(f.bundle_partners(), 1)),
    ("BANK_ALERT", ["BANK_ALERT"], False, lambda f: "cash" in f.state.methods and f.state.payment == "unpaid"),
    ("VIP_GIFT", ["VIP_GIFT"], False, lambda f: at_least(f.history_amount(), 500_000)),
    ("FRAUD_CHECK", ["FRAUD_CHECK"], True,
     lambda f: both(f.ip_foreign(), at_least(f.amount_items(), 100_000))),
    ("RETURN_RISK", ["RETURN_RISK"], True, lambda f: at_least(f.history_claims(3, ("return", "exchange")), 2)),
    ("SAME_DAY", ["SAME_DAY"], False, lambda f: both(f.in_list("same_day"), f.same_day_in_time())),
    ("STOCK_ALERT", ["STOCK_ALERT"], False, lambda f: f.low_stock()),
    ("example-vip", ["VIP"], False, lambda f: at_least(f.history_amount(), 1_000_000)),
    ("example-jeju", ["제주배송", "추가배송비대상"], False, lambda f: f.remote() is True),
    ("example-high-risk", ["고위험주문"], True,
     lambda f: both(at_least(f.amount_items(), 100_000), f.history_orders() == 0, f.ip_foreign())),
    ("example-event", ["이벤트주문"], False, lambda f: f.in_list("event") is True),
    ("example-cs-care", ["CS주의", "검토필요"], True, lambda f: at_least(f.history_claims(3, ("return",)), 2)),
    ("example-dawn-same-day", ["당일배송", "출고우선"], False,
     lambda f: both(f.in_list("same_day"), civil(f.order.placed_at).hour < 5)),
    ("example-bundle", ["합포장가능"], False, lambda f: at_least(f.bundle_partners(), 1)),
    ("example-marketing", ["마케팅분석대상"], False,
     lambda f: f.in_list("new") is True or f.in_list("best") is True),
    ("example-high-value", ["고액주문"], False, lambda f: at_least(f.amount_items(), 300_000)),
]


def labels_of(order, siblings, reference):
    """{(item code, label): {rule ids}} of one order at the end."""
    facts = Facts(order, siblings, reference)
    cancelled = order.last.fully_cancelled()
    found = {}
    for rule, labels, kept, condition in RULES:
        if (cancelled and not kept) or not condition(facts):
            continue
        for item in facts.state.live_items():
            for label in labels:
                found.setdefault((item.code, label), set()).add(rule)
    return found


# Files ---------------------------------------------------------------------------------------------------------

def read_orders(path):
    """({identity: [snapshots]}, [(line number, reason)])"""
    orders, refused, seen, merged = {}, [], set(), {}
    with open(path, "rb") as file:
        for line_number, line in enumerate(file, 1):
            raw = line.rstrip(b"\n")
            if not raw.strip():
                continue
            try:
                merge = merged_keys(raw) if b"passflow.merge/1" in raw else None
                if merge:
                    if merged.setdefault(merge[0], merge[1]) != merge[1]:
                        raise Refused("merged into somebody else")
                    continue
                snapshot = Snapshot(raw)
            except Refused as reason:
                refused.append((line_number, str(reason)))
                continue
            if (snapshot.identity, snapshot.version, raw) not in seen:
                seen.add((snapshot.identity, snapshot.version, raw))
                orders.setdefault(snapshot.identity, []).append(snapshot)
    for snapshots in orders.values():
        for snapshot in snapshots:
            # Circles are not for the oracle: it would go round for ever.
            for _ in range(len(merged)):
                snapshot.key = merged.get(snapshot.key, snapshot.key)
    return orders, refused


def compute(orders, reference):
    """Sorted rows of labels.csv."""
    by_key = {}
    everything = [Order(snapshots) for snapshots in orders.values()]
    for order in everything:
        by_key.setdefault(order.key if order.key else order.identity, []).append(order)
    result = []
    for order in everything:
        siblings = by_key[order.key] if order.key else [order]
        mall, shop, order_id = order.identity
        for (item, label), rules in labels_of(order, siblings, reference).items():
            result.append((mall, str(shop), order_id, item, label, "|".join(sorted(rules, key=str.encode))))
    return sorted(result, key=lambda row: tuple(field.encode() for field in row))


def quoted(field):
    if any(letter in field for letter in ',"\r\n'):
        return '"' + field.replace('"', '""') + '"'
    return field


def write_labels(path, result):
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write("mall_id,shop_no,order_id,item_code,label,rules\n")
        for row in result:
            out.write(",".join(map(quoted, row)) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--orders", required=True)
    parser.add_argument("--reference")
    parser.add_argument("--out", required=True)
    parser.add_argument("--refused", help="JSON: refused line numbers with reasons")
    options = parser.parse_args()
    orders, refused = read_orders(options.orders)
    result = compute(orders, Reference(options.reference))
    write_labels(options.out, result)
    if options.refused:
        with open(options.refused, "w", encoding="utf-8") as file:
            json.dump({str(line): reason for line, reason in refused}, file, ensure_ascii=False, indent=1)
    counts = Counter((row[4], row[:3]) for row in result)
    per_label = Counter(label for label, _ in counts)
    print(f"{len(orders)} orders, {len(refused)} lines refused, {len(result)} rows", file=sys.stderr)
    for label in sorted(per_label):
        print(f"{per_label[label]:>8} orders  {label}", file=sys.stderr)


if __name__ == "__main__":
    main()
