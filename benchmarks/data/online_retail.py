#!/usr/bin/env python3
"""Turns the UCI Online Retail history into PassFlow order events (`passflow.order/1`, one snapshot per line).

Source: Chen, D. (2015). Online Retail [Dataset]. UCI Machine Learning Repository.
https://doi.org/10.24432/C5BW33. Licensed under CC BY 4.0. What is changed, and why, is told in docs/data.md.

Python's standard library and the `zstd` command; the same arguments give the same bytes.
"""

import argparse
import datetime
import ipaddress
import random
import re
import sys
from collections import Counter

import lifecycle
import people
import reference

SHIFT = 783 * 7 * lifecycle.DAY
WON_PER_POUND = 200
LINES_MAX = 256
SHIPPING_SKUS = {"POST", "DOT", "C2"}
NO_PRODUCT = {"M", "D", "S", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS", "B"}
NIGHT = 0.08          # share of customers whose whole history is moved to the night, 8 hours back
NIGHT_SHIFT = 8 * lifecycle.HOUR
NEVER_NAMED = 0.25    # share of guests with neither phone nor e-mail
PLAIN_CODE = re.compile(r"^(\d{5})([A-Z]{0,3})$")
LATIN = {"AT": "Graben", "BE": "Rue Haute", "CH": "Bahnhofstrasse", "DE": "Hauptstrasse", "ES": "Calle Mayor",
         "FR": "Rue de la Paix", "IT": "Via Roma", "NL": "Dorpsstraat", "PT": "Rua Direita"}


class Customer:
    """A member or a guest: who, where from, where to."""

    def __init__(self, key, country, tables, seed):
        rng = random.Random(f"{seed}:customer:{key}")
        self.tables, self.country, self.seed, self.key = tables, country, seed, key
        self.member = key if key.startswith("m") else None
        self.night = rng.random() < NIGHT
        self.name, self.phone = tables.people.name(rng), people.phone(rng)
        self.email = f"{key}@example.com"
        self.grade = str(rng.choices((1, 2, 3, 4), (60, 25, 10, 5))[0])
        self.guest_kind = rng.random()
        self.abroad = country != "KR" and country and rng.random() < 0.5
        self.receiver = self.draw_receiver(rng, own=True)
        self.second = self.draw_receiver(rng)
        self.elsewhere = 0.3 if rng.random() < 0.2 else 0.0
        self.home = tables.networks.draw(rng, country) if country else None
        self.ip_share = rng.random()

    def draw_receiver(self, rng, own=False):
        tables = self.tables
        name = self.name if own else tables.people.name(rng)
        number = self.phone if own else people.phone(rng)
        if self.abroad:
            street = LATIN.get(self.country, "Main Street")
            return (f'{{"receiver_no":1,"name":"{name}","phone":"{number}","zipcode":"{rng.randint(1000, 9999)}",'
                    f'"address1":"{street} {rng.randint(1, 99)}","address2":"","country":"{self.country}"}}')
        zipcode, address1, address2 = tables.places.draw(rng)
        return (f'{{"receiver_no":1,"name":"{name}","phone":"{number}","zipcode":"{zipcode}",'
                f'"address1":"{address1}","address2":"{address2}","country":"KR"}}')

    def address(self, rng):
        """The buyer's IP of one order: mostly home, at times none, private, or from abroad."""
        share = rng.random()
        if share < 0.12:
            return None
        if share < 0.14:
            return f"192.168.{rng.randint(0, 9)}.{rng.randint(2, 250)}"
        if share < 0.147 and self.country == "KR":
            return self.tables.networks.draw(rng, rng.choice(("US", "CN", "VN", "JP")))
        return self.home

    def buyer(self, ip):
        parts = [f'"name":"{self.name}"']
        if self.member:
            parts += [f'"member_id":"{self.member}"', f'"phone":"{self.phone}"', f'"email":"{self.email}"',
                      f'"grade":"{self.grade}"']
        elif self.guest_kind > 0.5:
            parts.append(f'"phone":"{self.phone}"')
        elif self.guest_kind > NEVER_NAMED:
            parts.append(f'"email":"{self.email}"')
        if ip:
            parts.append(f'"ip":"{ip}"')
        return '"buyer":{' + ",".join(parts) + "},"


class Tables:
    def __init__(self, options):
        self.places = people.Places(options.addresses, options.remote)
        self.people = people.People(options.names)
        self.networks = people.Networks(options.geo, options.seed)


def read_invoices(source, counts):
    """Invoice number -> [time, customer text, country, lines (code, name, quantity, price in won)]."""
    invoices, returns, minutes = {}, {}, {}
    for row in people.rows(source):
        counts["lines read"] += 1
        number, code = row["InvoiceNo"], row["StockCode"].strip().upper()
        stamp = row["InvoiceDate"]
        time = minutes.get(stamp)
        if time is None:
            moment = datetime.datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S")
            time = int((moment - datetime.datetime(1970, 1, 1)).total_seconds()) - lifecycle.KST + SHIFT
            minutes[stamp] = time
        if number[0] == "A":
            counts["lines of bad-debt invoices dropped"] += 1
            continue
        table = returns if number[0] == "C" else invoices
        entry = table.get(number)
        if entry is None:
            entry = table[number] = [time, row["CustomerID"].split(".")[0], row["Country"], []]
        entry[0] = min(entry[0], time)
        quantity, price = int(row["Quantity"]), won(row["UnitPrice"])
        entry[3].append((code, row["Description"].strip() or code, quantity, price))
    return invoices, returns


def won(pounds):
    """GBP text -> whole won at the scale of the mall, half up; negative stays negative."""
    sign = -1 if pounds.startswith("-") else 1
    whole, _, fraction = pounds.lstrip("-").partition(".")
    scaled = int(whole + fraction) * WON_PER_POUND
    unit = 10 ** len(fraction)
    return sign * ((scaled * 2 + unit) // (2 * unit))


def product_codes(code):
    """Stock code -> (product code of 8, variant code of 12), as long as the platform's own."""
    match = PLAIN_CODE.match(code)
    if match:
        product = f"P00{match[1]}"
        return product, f"{product}{match[2].rjust(4, '0')}"
    plain = re.sub("[^A-Z0-9]", "", code)
    product = ("P" + plain[-7:].rjust(7, "0"))
    return product, product + "0000"


def sales_orders(invoices, customers, tables, seed, counts):
    """Orders of the sales invoices, by time; goods lines only."""
    orders = []
    for number in sorted(invoices):
        time, customer_id, country, lines = invoices[number]
        goods, shipping = [], 0
        for code, name, quantity, price in lines:
            if code in SHIPPING_SKUS and quantity > 0 and price > 0:
                shipping += quantity * price
                counts["shipping lines folded into amount.shipping"] += 1
            elif code in NO_PRODUCT or code.startswith("GIFT_") or code in SHIPPING_SKUS:
                counts["lines that are no product dropped"] += 1
            elif quantity <= 0 or price <= 0:
                counts["lines at zero or negative dropped"] += 1
            else:
                goods.append((code, name, quantity, price))
        if not goods:
            counts["sales invoices without goods dropped"] += 1
            continue
        if len(goods) > LINES_MAX:
            merged = {}
            for code, name, quantity, price in goods:
                merged[code, price] = (code, name, quantity + merged.get((code, price), (0, 0, 0))[2], price)
            goods = list(merged.values())
            counts["invoices over 256 lines, equal lines merged"] += 1
        key = f"m{customer_id}" if customer_id else f"g{number}"
        customer = customers.get(key)
        if customer is None:
            home = people.COUNTRIES[country]
            customer = customers[key] = Customer(key, home, tables, seed)
        placed = time - NIGHT_SHIFT if customer.night else time
        date = lifecycle.civil((placed + lifecycle.KST) // lifecycle.DAY).replace("-", "")
        for part in range(0, len(goods), LINES_MAX):
            order_id = f"{date}-{int(number):07d}" + (f"-{part // LINES_MAX + 1}" if part else "")
            counts["orders split off at 256 lines"] += 1 if part else 0
            order_lines = []
            for index, (code, name, quantity, price) in enumerate(goods[part:part + LINES_MAX]):
                product, sku = product_codes(code)
                order_lines.append(lifecycle.Line(f"{order_id}-{index + 1:02d}", product, sku, name, quantity, price))
            orders.append(lifecycle.Order(order_id, placed, customer, order_lines, 0 if part else shipping))
    orders.sort(key=lambda order: (order.placed, order.id))
    return orders


def link_returns(returns, orders, customers, counts):
    """Each returned SKU goes to the customer's latest earlier order that still has enough of it, else to several."""
    bought = {}
    for order in orders:
        for index, line in enumerate(order.lines):
            bought.setdefault((order.customer.key, line.sku), []).append([order, index, line.quantity])
    for number in sorted(returns, key=lambda number: (returns[number][0], number)):
        time, customer_id, _, lines = returns[number]
        key = f"m{customer_id}"
        if not customer_id or key not in customers:
            counts["return lines without a known customer dropped"] += len(lines)
            continue
        time -= NIGHT_SHIFT if customers[key].night else 0
        named = {}
        for code, _, quantity, _ in lines:
            if code in NO_PRODUCT or code in SHIPPING_SKUS or quantity >= 0:
                counts["return lines that are no product dropped"] += 1
                continue
            wanted = -quantity
            earlier = [entry for entry in bought.get((key, product_codes(code)[1]), ())
                       if entry[0].placed < time and entry[2] > 0]
            earlier.reverse()
            whole = next((entry for entry in earlier if entry[2] >= wanted), None)
            for entry in [whole] if whole else earlier:
                taken = min(wanted, entry[2])
                entry[2] -= taken
                wanted -= taken
                items = named.setdefault(entry[0], {})
                items[entry[1]] = items.get(entry[1], 0) + taken
                if wanted == 0:
                    break
            counts["return lines linked" if wanted == 0 else "return lines linked in part or not at all"] += 1
        for order, items in named.items():
            order.links.append((time, "C" + number.lstrip("C"), sorted(items.items())))
            counts["claims linked to orders"] += 1


def convert(options):
    counts = Counter()
    tables = Tables(options)
    invoices, returns = read_invoices(options.source, counts)
    customers = {}
    orders = sales_orders(invoices, customers, tables, options.seed, counts)
    if options.lines_most:
        counts["orders left out for their number of lines"] += sum(len(o.lines) > options.lines_most for o in orders)
        orders = [order for order in orders if len(order.lines) <= options.lines_most]
    if options.last:
        orders = orders[-options.last:]
    link_returns(returns, orders, customers, counts)
    until = max(order.placed for order in orders) + lifecycle.DAY // 2
    for order in orders:
        lifecycle.live_through(order, options.seed, until, order.customer.draw_receiver)
    stream = sorted((snapshot[0], order.placed, order.id, snapshot[1], position)
                    for position, order in enumerate(orders) for snapshot in order.snapshots)
    with open(options.out, "w", encoding="utf-8", newline="") as out:
        for _, _, _, version, position in stream:
            order = orders[position]
            out.write(lifecycle.render(order, order.snapshots[version - 1]))
    counts["orders"], counts["snapshots"] = len(orders), len(stream)
    counts["customers"] = len({order.customer.key for order in orders})
    if options.reference:
        if options.last:
            used = ranges_used(orders, tables.networks)
        else:
            used = tables.networks.used
        reference.write_reference(options.reference, orders, options.seed, options.remote, options.holidays, used)
    return counts


def ranges_used(orders, networks):
    """Only the ranges that hold an address of these orders."""
    addresses = sorted({(address.version, int(address)) for address in
                        (ipaddress.ip_address(order.ip) for order in orders if order.ip)})
    used = set()
    for first, last, country in networks.used:
        version = 6 if ":" in first else 4
        low, high = (int(ipaddress.ip_address(int(text) if version == 4 else text)) for text in (first, last))
        if any(kind == version and low <= value <= high for kind, value in addresses):
            used.add((first, last, country))
    return used


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", required=True, help="uci_online_retail_….csv(.zst)")
    parser.add_argument("--addresses", required=True, help="kr_road_address_sample.csv(.zst)")
    parser.add_argument("--names", required=True, help="kr_names.csv")
    parser.add_argument("--remote", required=True, help="kr_remote_areas.csv")
    parser.add_argument("--holidays", required=True, help="kr_holidays_….csv")
    parser.add_argument("--geo", required=True, help="geo.csv made by install_geo.sh")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--last", type=int, default=0, help="only the last N orders (0: all)")
    parser.add_argument("--lines-most", type=int, default=0, help="leave out orders with more lines (0: none)")
    parser.add_argument("--out", required=True)
    parser.add_argument("--reference", help="directory for zones, lists, stock, holidays and geo")
    counts = convert(parser.parse_args())
    for name in sorted(counts):
        print(f"{counts[name]:>9}  {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
