#!/usr/bin/env python3
"""Compares two labels.csv; prints the first differences, with the events of those orders if --orders is given.

    compare.py expected.csv found.csv [--orders FILE.ndjson] [--most 10]

Exit status: 0 equal byte for byte, 1 different, 2 not readable.
"""

import argparse
import csv
import json
import sys
from collections import Counter


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, None)
        return header, [tuple(row) for row in reader]


def short(row):
    """One line on a snapshot: what matters to the labels."""
    items = " ".join(f"{item.get('item_code', '')[-2:]}:{item.get('status')}x{item.get('quantity')}"
                     f"@{item.get('unit_price')}{'g' if item.get('is_gift_item') else ''}"
                     f"{'t' if item.get('tracking_no') else ''}" for item in (row.get("items") or [])[:12])
    claims = " ".join(f"{claim.get('kind')}/{claim.get('status')}/{claim.get('reason')}@{claim.get('completed_at')}"
                      for claim in row.get("claims") or [])
    places = " | ".join(f"{place.get('zipcode')} {place.get('address1')} {place.get('country')}"
                        for place in row.get("receivers") or [])
    payment, gift, buyer = (row.get(name) or {} for name in ("payment", "gift", "buyer"))
    return (f"v{row.get('version')} {row.get('event_time')} {row.get('event')} placed {row.get('placed_at')} "
            f"paid {row.get('paid_at')} {payment.get('methods')} {payment.get('status')} {row.get('currency')} "
            f"gift {gift.get('address_state')} ip {buyer.get('ip')} member {buyer.get('member_id')} "
            f"phone {buyer.get('phone')} email {buyer.get('email')}\n"
            f"        items {items}\n        claims {claims or '-'}\n        to {places or '-'}")


def same_customer(row, other):
    pick = lambda found: [(found.get("buyer") or {}).get(name) for name in ("member_id", "phone", "email")]
    return row.get("mall_id") == other.get("mall_id") and any(
        a and a == b for a, b in zip(pick(row), pick(other)))


def show(orders_path, identities):
    """Prints the snapshots of these orders and one line for each sibling snapshot, by event time."""
    rows = []
    with open(orders_path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                rows.append((number, row))
    for identity in identities:
        mine = [(number, row) for number, row in rows if
                (str(row.get("mall_id")), str(row.get("shop_no")), str(row.get("order_id"))) == identity]
        print(f"\n  order {' '.join(identity)}")
        for number, row in sorted(mine, key=lambda pair: str(pair[1].get("event_time"))):
            print(f"    line {number}: {short(row)}")
        if not mine:
            continue
        print("  siblings")
        siblings = [(number, row) for number, row in rows if same_customer(row, mine[0][1])
                    and (number, row) not in mine]
        for number, row in sorted(siblings, key=lambda pair: str(pair[1].get("event_time")))[:40]:
            print(f"    line {number}: {row.get('order_id')} {short(row)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("expected")
    parser.add_argument("found")
    parser.add_argument("--orders")
    parser.add_argument("--most", type=int, default=10)
    options = parser.parse_args()
    try:
        expected_header, expected = read(options.expected)
        found_header, found = read(options.found)
        with open(options.expected, "rb") as one, open(options.found, "rb") as two:
            equal = one.read() == two.read()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    if equal:
        print(f"equal: {len(expected)} rows")
        return 0
    if expected_header != found_header:
        print(f"headers differ: {expected_header} / {found_header}")
    missing, extra = set(expected) - set(found), set(found) - set(expected)
    print(f"different: {len(missing)} rows missing, {len(extra)} rows too many, of {len(expected)} expected")
    if not missing and not extra:
        print("the same rows: order, quoting, repeats or line ends differ")
    labels = Counter((row[4], "missing") for row in missing if len(row) > 4)
    labels.update((row[4], "too many") for row in extra if len(row) > 4)
    for (label, way), count in sorted(labels.items()):
        print(f"  {label}: {count} {way}")
    differences = sorted([(row, "missing ") for row in missing] + [(row, "too many") for row in extra])
    identities = []
    for row, way in differences:
        identity = row[:3]
        if identity not in identities:
            if len(identities) == options.most:
                break
            identities.append(identity)
        print(f"  {way} {','.join(row)}")
    if options.orders:
        show(options.orders, identities)
    return 1


if __name__ == "__main__":
    sys.exit(main())
