"""Reference tables that go with the converted orders: zones, lists, stock, holidays, and the address ranges used."""

import csv
import datetime
import os
import random

from lifecycle import DAY, HOUR, KST, iso
from people import rows

BEST, TREND, RECOMMENDED, STOCKED = 30, 10, 20, 40
CAMPAIGN_EVERY, CAMPAIGN_DAYS, CAMPAIGN_SKUS = 28, 14, 20


def write_csv(path, header, body, note=None):
    with open(path, "w", encoding="utf-8", newline="") as file:
        if note:
            file.write(note)
        writer = csv.writer(file, lineterminator="\n")
        if header:
            writer.writerow(header)
        writer.writerows(body)


def day_start(time):
    """Midnight in Korea before `time`."""
    return (time + KST) // DAY * DAY - KST


def month_start(year, month):
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return int((datetime.datetime(year, month, 1) - datetime.datetime(1970, 1, 1)).total_seconds()) - KST


def top(orders, first, last, count):
    sold = {}
    for order in orders:
        if first <= order.placed < last:
            for line in order.lines:
                sold[line.sku] = sold.get(line.sku, 0) + line.quantity
    return sorted(sorted(sold), key=lambda sku: -sold[sku])[:count]


def months(orders):
    first, last = orders[0].placed, orders[-1].placed
    day = datetime.date.fromisoformat(iso(first)[:10])
    number = 0
    while month_start(day.year, day.month + number) <= last:
        yield month_start(day.year, day.month + number), month_start(day.year, day.month + number + 1)
        number += 1


def lists(orders, seed):
    """new: a month from the first sale; best: top sold by half-year; trend: by month; event: two-week campaigns."""
    rng = random.Random(f"{seed}:lists")
    first, last = orders[0].placed, orders[-1].placed
    seen, product = {}, {}
    for order in orders:
        for line in order.lines:
            seen.setdefault(line.sku, order.placed)
            product[line.sku] = line.product
    skus = sorted(seen)
    body = []
    for sku in skus:
        if seen[sku] >= first + 14 * DAY:
            body.append(("new", sku, iso(day_start(seen[sku])), iso(day_start(seen[sku]) + 30 * DAY)))
    spans = list(months(orders))
    for start in range(0, len(spans), 6):
        span = spans[start:start + 6]
        open_end = start + 6 >= len(spans)
        for sku in top(orders, span[0][0], span[-1][1], BEST):
            body.append(("best", sku, iso(span[0][0]), "" if open_end else iso(span[-1][1])))
    for start, end in spans:
        for sku in top(orders, start, end, TREND):
            body.append(("trend", sku, iso(start), iso(end)))
    campaign = day_start(first) + 10 * DAY
    while campaign < last:
        for sku in sorted(rng.sample(skus, min(CAMPAIGN_SKUS, len(skus)))):
            body.append(("event", sku, iso(campaign), iso(campaign + CAMPAIGN_DAYS * DAY)))
        campaign += CAMPAIGN_EVERY * DAY
    for number, sku in enumerate(skus):
        if random.Random(f"{seed}:same_day:{sku}").random() < 0.25:
            # Every tenth entry names the product instead of the variant.
            body.append(("same_day", product[sku] if number % 10 == 0 else sku, "", ""))
    for sku in sorted(rng.sample(skus, min(RECOMMENDED, len(skus)))):
        body.append(("recommended", sku, "", ""))
    return sorted(set(body))


def stock(orders, seed):
    """A level at 06:00 and, on some days, at 14:00; some days are left out, so that levels grow stale."""
    rng = random.Random(f"{seed}:stock")
    first, last = day_start(orders[0].placed), day_start(orders[-1].placed)
    body = []
    for sku in sorted(top(orders, first, last + DAY, STOCKED)):
        safety = rng.choice((10, 20, 30, 50))
        level = rng.randint(100, 900)
        for day in range(first, last + DAY, DAY):
            level -= rng.randint(5, 90)
            if level <= 0:
                level += rng.randint(300, 1200)
            if rng.random() < 0.06:
                continue
            body.append((sku, level, safety, iso(day + 6 * HOUR)))
            if rng.random() < 0.1:
                body.append((sku, max(level - rng.randint(0, 60), 0), safety, iso(day + 14 * HOUR)))
    return body


def write_reference(directory, orders, seed, remote, holidays, used_ranges):
    os.makedirs(directory, exist_ok=True)
    zone_rows = [(row["from_zip"], row["to_zip"], row["region"], row["name"]) for row in rows(remote)]
    write_csv(f"{directory}/zones.csv", ("from_zip", "to_zip", "region", "name"), zone_rows)
    write_csv(f"{directory}/lists.csv", ("list", "sku", "valid_from", "valid_to"), lists(orders, seed))
    write_csv(f"{directory}/stock.csv", ("sku", "quantity", "safety", "as_of"), stock(orders, seed))
    years = {iso(orders[0].placed)[:4], iso(orders[-1].placed)[:4]}
    write_csv(f"{directory}/holidays.csv", ("date", "name"),
              [(row["date"], row["name"]) for row in rows(holidays) if row["date"][:4] in years])
    note = ("# IP geolocation: IPFire Location Database, https://location.ipfire.org/, CC BY-SA 4.0.\n"
            "# Only the ranges that the orders beside it use; first,last,country.\n")
    ranges = sorted(used_ranges, key=lambda row: (":" in row[0], row[0].zfill(10)))
    write_csv(f"{directory}/geo.csv", None, ranges, note)
