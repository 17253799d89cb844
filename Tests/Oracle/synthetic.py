"""Customers and orders invented to sit on every edge of the definitions."""

import copy
import datetime
import random
import unicodedata

from events import instant
from oracle import months_before

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
CAMPAIGN = ("2026-03-01T00:00:00+09:00", "2026-03-15T00:00:00+09:00")
ANCHORS = [instant(text) for text in (
    *CAMPAIGN, "2026-02-28T23:59:59.999999+09:00", "2026-03-14T23:59:59+09:00", "2026-03-02T10:30:00+09:00",
    "2026-03-03T10:59:59+09:00", "2026-03-03T11:00:00+09:00", "2026-03-03T04:59:59.999999+09:00",
    "2026-03-03T05:00:00+09:00", "2026-03-04T00:00:00+09:00", "2026-03-06T09:00:00+09:00", "2026-03-07T09:00:00+09:00",
    "2026-03-08T02:00:00+09:00", "2026-05-31T12:00:00+09:00", "2026-11-30T12:00:00+09:00",
    "2026-02-28T12:00:00+09:00", "2028-02-29T09:00:00+09:00", "2028-05-30T23:59:59+09:00", "1970-01-01T00:00:00+09:00")]
DELTAS = (0, 0, SECOND, HOUR, HOUR + SECOND, HOUR + 1, HOUR - 1, -HOUR, 30 * MINUTE, 90 * MINUTE, DAY, 20 * DAY,
          45 * DAY, 89 * DAY, 92 * DAY)
SKUS = [f"X{number:02d}" for number in range(40)]
PRICES = ("99999", "100000", "100001", "299999", "300000", "250000", "500000", "499999", "1000000", "999999", "15000",
          "0", "1", "33333")
ADDRESSES = (
    ("63000", "제주특별자치도 제주시 추자면 길 1"), ("63644", "제주특별자치도 서귀포시 길 2"), ("63645", "서울특별시 중구 길 3"),
    ("", "제주도 제주시 길 4"), ("690-011", "제주 서귀포시 길 5"), ("01000", "제주식당 앞 6"), ("01000", "서울특별시 제주로 7"),
    ("99999", "경상북도 울릉군 울릉읍 8"), ("", "경북  울릉군 서면 9"), ("40200", "경상북도 울릉군 울릉읍 10"),
    ("23101", "인천광역시 옹진군 11"), ("99998", "인천 옹진군 12"), ("", "전남 신안군 압해읍 13"), ("", "경상남도 울릉군 14"),
    ("58826", "전라남도 신안군 압해읍 15"), ("06945", "서울특별시 동작구 16"), ("06945", "서울특별시 동작구 17"),
    ("28826", "충청북도 청주시 18"), ("54000", "전북특별자치도 군산시 옥도면 19"), ("", ""), ("06945", ""),
    ("12345", "제주시 연동 20"), ("", "부산광역시 해운대구 21"))
DETAILS = ("101호", "1층 제주은행 옆", "도서산간 2동 3호", "", "🎁 3층")
PRIVATE_IPS = ("10.0.0.1", "192.168.0.7", "172.16.3.4", "100.64.0.1", "127.0.0.1", "::1", "fe80::1", "fc00::7",
               "2001:db8::1", "203.0.113.9", "08.8.8.8", "8.8.8", "unknown", "")
REASONS = ("A", "E", "F", "A", "E", "", None, "B", "I")


def written(rng, microseconds):
    """The instant as RFC 3339, in one of several offsets."""
    name, minutes = rng.choice((("+09:00", 540), ("+09:00", 540), ("Z", 0), ("-05:00", -300), ("+05:30", 330)))
    days, rest = divmod(microseconds + minutes * MINUTE, DAY)
    if days < 0:
        name, (days, rest) = "+09:00", divmod(microseconds + 9 * HOUR, DAY)
    text = (datetime.datetime(1970, 1, 1) + datetime.timedelta(days=days, microseconds=rest)).isoformat()
    return text + name


class Customer:
    """Identity, malls, two homes; `orders` gives each order's snapshots."""

    def __init__(self, number, seed, addresses):
        self.rng = rng = random.Random(f"{seed}:synthetic:{number}")
        self.number = number
        self.mall = rng.choice(("advmall", "advmall", "advmall2", "zmall"))
        self.kind = rng.choices(("member", "phone", "email", "virtual+email", "virtual", "none", "member+phone"),
                                (40, 20, 8, 6, 4, 6, 16))[0]
        self.currency = rng.choices(("KRW", "USD", "JPY"), (85, 9, 6))[0]
        self.addresses = addresses
        self.ip = rng.choice(addresses)
        self.digits = f"{number // 2 % 10000:04d}"  # shared by two customers: the kind belongs to the key
        self.member_id = f"0100000{self.digits}" if rng.random() < 0.1 else f"u{number}"
        self.homes = [self.receiver(), self.receiver()]
        anchor = rng.choice(ANCHORS)
        count = rng.choices((1, 2, 3, 4, 6, 9), (15, 25, 25, 20, 10, 5))[0]
        times = [anchor]
        while len(times) < count:
            times.append(max(rng.choice(times) + rng.choice(DELTAS), -9 * HOUR))
        self.times = times

    def buyer(self):
        """The same identity, at times written differently."""
        rng, number = self.rng, self.number
        digits = self.digits
        phone = rng.choice((f"010-0000-{digits}", f"+82 10-0000-{digits}", f"8210 0000 {digits}", f"0100000{digits}"))
        email = rng.choice((f"u{number}@example.com", f" U{number}@Example.COM "))
        found = {"name": "김하나"}
        if self.kind.startswith("member"):
            found["member_id"] = self.member_id
        if "phone" in self.kind:
            found["phone"] = phone
        if self.kind.startswith("virtual"):
            found["phone"] = rng.choice((f"0502-123-{digits}", f"+82 508-1234-{digits}"))
        if self.kind in ("email", "virtual+email"):
            found["email"] = email
        return found

    def receiver(self):
        rng = self.rng
        zipcode, address1 = rng.choice(ADDRESSES)
        found = {"receiver_no": 1, "name": rng.choice(("김하나", "이 두리", "박세")), "phone": "010-0000-0000",
                 "zipcode": zipcode, "address1": address1, "address2": rng.choice(DETAILS), "country": "KR"}
        if rng.random() < 0.06:
            found["country"] = rng.choice(("JP", "US"))
        return found

    def placed_receivers(self):
        """One receiver or several; receiver 1 not always first, and spelt as people spell."""
        rng = self.rng
        first = dict(self.homes[0] if rng.random() < 0.8 else self.homes[1])
        for name in ("name", "address1", "address2"):
            way = rng.random()
            if way < 0.1:
                first[name] = unicodedata.normalize("NFD", first[name])
            elif way < 0.2:
                first[name] = "  " + first[name].replace(" ", " \t ") + " "
        found = [first]
        if rng.random() < 0.12:
            for number in range(2, rng.randint(3, 6)):
                found.append({**self.receiver(), "receiver_no": number})
            rng.shuffle(found)
        if rng.random() < 0.06:
            for place in found:
                place["receiver_no"] += 3
        return found

    def orders(self):
        """Lists of snapshots, one list an order."""
        rng = self.rng
        if rng.random() < 0.12:
            yield from self.returner() if rng.random() < 0.7 else self.overclaimer()
            return
        for index, placed in enumerate(self.times):
            yield Life(self, f"S{self.number:06d}-{rng.choice('ABC')}{index}", placed).run()

    def returner(self):
        """Two earlier orders come back, one of them on an edge of the last order's three months."""
        rng = self.rng
        placed = rng.choice([anchor for anchor in ANCHORS if anchor > 400 * DAY])
        edge = months_before(placed, 3)
        kinds = rng.choice((("return", "return"), ("return", "exchange")))
        moments = (edge + 40 * DAY, rng.choice((edge, edge - 1, edge + 1, placed, placed - 1)))
        for index, (kind, moment) in enumerate(zip(kinds, moments)):
            life = Life(self, f"S{self.number:06d}-R{index}", placed - (200 + index) * DAY)
            yield life.run_returned(kind, moment, rng.choice(REASONS if index == 0 else ("A", "E", "F", "", None)))
        life = Life(self, f"S{self.number:06d}-Z", placed)
        life.time += 3 * DAY
        yield life.run()

    def overclaimer(self):
        """An order from which more was claimed than is left of it takes nothing from the others."""
        self.currency = "KRW"
        placed = self.rng.choice(ANCHORS[:10])
        for index in range(2):
            life = Life(self, f"S{self.number:06d}-O{index}", placed + index * DAY)
            yield life.run_overclaimed() if index == 0 else life.run_paid("500000")
        yield Life(self, f"S{self.number:06d}-Z", placed + 3 * DAY).run()


class Life:
    """One order's snapshots by random steps that are each allowed in the state it is in."""

    def __init__(self, customer, order_id, placed):
        self.rng, self.customer, self.placed, self.time = customer.rng, customer, placed, placed
        rng = self.rng
        self.currency = customer.currency if rng.random() < 0.85 else rng.choice(("KRW", "USD", "JPY"))
        cash, gift = rng.random() < 0.25, rng.random() < 0.12
        items = [self.item(order_id, number) for number in range(1, rng.choice((1, 1, 2, 2, 3, 5)) + 1)]
        self.row = {
            "schema": "passflow.order/1", "mall_id": customer.mall, "shop_no": rng.choice((1, 1, 2, 10)),
            "order_id": order_id, "event": "order.placed", "event_time": None, "version": 0,
            "placed_at": written(rng, placed), "paid_at": None if cash else written(rng, placed), "channel": "self",
            "market_order_no": None, "currency": self.currency,
            "payment": {"methods": [rng.choice(("cash", "cash", "cvs"))] if cash else rng.choice((["card"], ["point", "card"])),
                        "status": "unpaid" if cash else "paid"},
            "gift": {"is_gift": gift, "address_state": "pending" if gift else "entered", "address_due": None},
            "buyer": customer.buyer(), "receivers": [] if gift and rng.random() < 0.5 else customer.placed_receivers(),
            "items": items, "claims": [], "memos": []}
        if rng.random() < 0.85:
            self.row["buyer"]["ip"] = rng.choice(PRIVATE_IPS) if rng.random() < 0.2 else customer.ip
        if cash:
            for item in items:
                item["status"] = "N00"
        if not cash and rng.random() < 0.05:
            self.row["payment"]["status"] = "partly"
        self.version = rng.randint(1, 5)
        self.snapshots = []

    def item(self, order_id, number):
        rng = self.rng
        price, option = rng.choice(PRICES), "0"
        if price == "100000" and rng.random() < 0.5:
            price, option = rng.choice((("60000", "40000"), ("120000", "-20000")))
        if self.currency == "USD" and rng.random() < 0.5:
            price = rng.choice(("99999.99", "100000.00", "0.5", "250000.01"))
            option = "-0.50" if option == "-20000" else option
        sku = rng.choice(SKUS)
        found = {"item_code": f"{order_id}-{number:02d}", "product_code": "P" + sku, "sku": sku, "name": "물건, \"둘\"",
                 "quantity": rng.choice((1, 1, 1, 2, 3)), "unit_price": price, "option_price": option, "status": "N10",
                 "is_gift_item": rng.random() < 0.08, "kind": "parcel", "receiver_no": 1, "tracking_no": None,
                 "categories": []}
        if rng.random() < 0.03:
            found["status"] = rng.choice(("N99", "Z01", "배송"))
        return found

    def emit(self, event, time=None):
        row = self.row
        row["event"], row["version"], row["event_time"] = event, self.version, written(self.rng, time or self.time)
        if self.rng.random() < 0.3:
            row["amount"] = {"items": self.rng.choice(("0", "12345"))}
        else:
            row.pop("amount", None)
        self.snapshots.append((time or self.time, copy.deepcopy(row)))
        self.version += self.rng.randint(2, 4)

    def live(self):
        return [item for item in self.row["items"] if item["status"][:1] != "C" or item["status"] < "C40"]

    def shipped(self):
        return any(item["tracking_no"] or item["status"][:1] in "RE" or item["status"] in ("N30", "N40", "N50")
                   for item in self.row["items"])

    def run(self):
        rng = self.rng
        self.emit("order.placed")
        for _ in range(rng.choice((0, 1, 2, 3, 4, 6))):
            self.time += rng.choice((1, SECOND, 10 * MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY))
            self.after_shipping() if self.shipped() else self.before_shipping()
        return self.snapshots

    def run_paid(self, price):
        """One snapshot: paid by card, one item at that price."""
        row = self.row
        row["currency"], row["items"] = "KRW", row["items"][:1]
        row["payment"], row["paid_at"] = {"methods": ["card"], "status": "paid"}, row["placed_at"]
        row["items"][0].update(quantity=1, unit_price=price, option_price="0", status="N10", is_gift_item=False)
        self.emit("order.placed")
        return self.snapshots

    def run_overclaimed(self):
        self.run_paid("250000")
        self.row["claims"].append({
            "claim_code": "over", "kind": "cancel", "status": "completed", "reason": "A",
            "requested_at": written(self.rng, self.time), "completed_at": written(self.rng, self.time),
            "refund_amount": "0", "items": [{"item_code": self.row["items"][0]["item_code"], "quantity": 3}]})
        self.time += HOUR
        self.emit("order.changed")
        return self.snapshots

    def run_returned(self, kind, moment, reason):
        """Placed, shipped, and a claim completed at that moment."""
        self.emit("order.placed")
        for item in self.row["items"]:
            item["status"], item["tracking_no"] = "N30", "1234567890"
        self.time += DAY
        self.emit("shipment.registered")
        self.time += DAY
        self.ask(kind, self.row["items"], True, "R00" if kind == "return" else "E00", silent=True)
        self.row["claims"][-1]["reason"] = reason
        self.answer(self.row["claims"][-1], "completed", "R40" if kind == "return" else "E40", "N40", moment)
        return self.snapshots

    def before_shipping(self):
        rng, row = self.rng, self.row
        live = [item for item in self.live() if item["status"] not in ("C00", "C10")]
        asked = [claim for claim in row["claims"] if claim["status"] == "requested"]
        choice = rng.random()
        if not self.live():
            if choice < 0.3:
                for item in row["items"]:
                    item["status"] = "N10"
                for claim in row["claims"]:
                    claim["status"], claim["completed_at"] = "withdrawn", None
                self.emit("status.reverted")
        elif asked:
            self.answer(asked[0], rng.choice(("completed", "completed", "refused", "withdrawn")), "C40", "N10")
        elif row["gift"]["address_state"] == "pending" and choice < 0.7:
            outcome = rng.choice(("entered", "entered", "entered", "refused", "expired"))
            row["gift"]["address_state"] = outcome
            if outcome == "entered":
                row["receivers"] = self.customer.placed_receivers()
            self.emit("address." + outcome)
        elif row["payment"]["status"] == "unpaid" and choice < 0.6:
            row["payment"]["status"] = rng.choice(("paid", "paid", "partly"))
            row["paid_at"] = written(rng, self.time)
            for item in live:
                item["status"] = "N10" if item["status"] == "N00" else item["status"]
            self.emit("order.paid")
        elif choice < 0.45 and row["gift"]["address_state"] != "pending":
            for item in live:
                item["status"] = "N30" if rng.random() < 0.8 else item["status"]
                item["tracking_no"] = "1234567890" if rng.random() < 0.7 else None
            self.emit("shipment.registered")
        elif choice < 0.6 and row["gift"]["address_state"] != "pending":
            row["receivers"] = self.customer.placed_receivers()
            self.emit("address.changed")
        elif choice < 0.7:
            self.row["items"].append(self.item(row["order_id"], len(row["items"]) + 1))
            self.emit("order.changed")
        elif choice < 0.76 and live:
            chosen = rng.choice(live)
            chosen["quantity"] = rng.randint(1, 4)
            self.emit("order.changed")
        elif live:
            whole = rng.random() < 0.5
            chosen = live if whole else rng.sample(live, 1)
            self.ask("cancel", chosen, whole or rng.random() < 0.5, rng.choice(("C00", "C10", "C34")))
            if rng.random() < 0.5:
                self.time += MINUTE
                self.answer(row["claims"][-1], "completed", rng.choice(("C40", "C41", "C47", "C48")), "N10")

    def after_shipping(self):
        rng, row = self.rng, self.row
        asked = [claim for claim in row["claims"] if claim["status"] == "requested"]
        steady = [item for item in row["items"] if item["status"] in ("N30", "N40", "N50")]
        choice = rng.random()
        if asked:
            claim = asked[0]
            done = {"return": "R40", "exchange": "E40", "cancel": "C40"}[claim["kind"]]
            left = sum(1 for item in self.row["items"] if item["status"][:2] != "C4")
            refuse = claim["kind"] == "cancel" and left <= len(claim["items"])
            self.answer(claim, "refused" if refuse else rng.choice(("completed", "completed", "completed", "refused")),
                        done, "N40")
        elif choice < 0.3 and steady:
            for item in steady:
                item["status"] = {"N30": "N40", "N40": "N50"}.get(item["status"], "N50")
            self.emit("shipment.delivered")
        elif choice < 0.45 and len(steady) == len(self.live()):
            for item in steady:
                item["status"], item["tracking_no"] = rng.choice(("N10", "N20")), None
            for item in row["items"]:
                item["tracking_no"] = None
            self.emit("status.reverted")
        elif steady:
            kind = rng.choice(("return", "return", "exchange"))
            whole = rng.random() < 0.4
            self.ask(kind, steady if whole else rng.sample(steady, 1), whole or rng.random() < 0.5,
                     "R00" if kind == "return" else "E00", silent=rng.random() < 0.5)
            if row["claims"][-1]["status"] == "requested" and rng.random() < 0.7:
                self.answer(row["claims"][-1], "completed", "R40" if kind == "return" else "E40", "N40",
                            self.edge_time())

    def edge_time(self):
        """An instant on the edge of another order's three months."""
        rng = self.rng
        other = rng.choice(self.customer.times)
        edges = (months_before(other, 3), months_before(other, 3) - 1, other, other - SECOND, self.time, self.time)
        return rng.choice([edge for edge in edges if edge >= self.placed] or [self.time])

    def ask(self, kind, items, full, status, silent=False):
        rng, row = self.rng, self.row
        named = [{"item_code": item["item_code"],
                  "quantity": item["quantity"] if full else rng.randint(1, item["quantity"])} for item in items]
        row["claims"].append({
            "claim_code": f"{kind[0]}{row['order_id']}{len(row['claims'])}", "kind": kind, "status": "requested",
            "reason": rng.choice(REASONS), "requested_at": written(rng, self.time), "completed_at": None,
            "refund_amount": "0", "items": named})
        for item, part in zip(items, named):
            if part["quantity"] == item["quantity"]:
                item["status"] = status
        if not silent:
            self.emit("claim.requested")

    def answer(self, claim, outcome, done, back, completed=None):
        row = self.row
        claim["status"] = outcome
        if outcome == "completed":
            claim["completed_at"] = written(self.rng, completed or self.time)
            self.time = max(self.time, completed or self.time)
        by_code = {item["item_code"]: item for item in row["items"]}
        for part in claim["items"]:
            item = by_code[part["item_code"]]
            if part["quantity"] >= item["quantity"] and outcome == "completed":
                item["status"] = done
            elif item["status"] in ("C00", "C10", "C34", "R00", "E00"):
                item["status"] = back
        event = "claim." + (outcome if outcome in ("completed", "refused") else "refused")
        self.time += 1
        self.emit("order.canceled" if not self.live() else event)
