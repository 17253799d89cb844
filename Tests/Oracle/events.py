"""Order events as plain values: what a line must hold to be accepted, read straight from its definition.

Shares no code with the stages: this is the second opinion.
"""

import functools
import json
import re
import sys
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction

ITEMS_MAX, RECEIVERS_MAX, LINE_BYTES_MAX = 256, 5, 1 << 20
MINOR_UNITS_MAX, QUANTITY_MAX = 10 ** 12, 1_000_000
NO_DECIMALS = {"KRW", "JPY", "VND", "CLP", "BIF", "DJF", "GNF", "ISK", "KMF", "PYG", "RWF", "UGX", "UYI", "VUV",
               "XAF", "XOF", "XPF"}
THREE_DECIMALS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
CANCELLED = {"C40", "C41", "C42", "C43", "C47", "C48", "C49"}
RETURNED = {"R40", "R41", "R42", "R43"}
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
MONEY = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)
EPOCH = date(1970, 1, 1).toordinal()
SEOUL = timezone(timedelta(hours=9))


class Refused(Exception):
    """The line is no order event; the text says why."""


def instant(text):
    """RFC 3339 with offset -> microseconds since 1970-01-01T00:00:00Z."""
    match = TIME.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise Refused("time without offset or no time")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        days = date(year, month, day).toordinal() - EPOCH
    except ValueError:
        raise Refused("no such day") from None
    if hour > 23 or minute > 59 or second > 60:
        raise Refused("no such time of day")
    micro = int(((match[7] or "") + "000000")[:6])
    offset = 0
    if match[8] != "Z":
        offset = int(match[8][1:3]) * 60 + int(match[8][4:6])
        offset = -offset if match[8][0] == "-" else offset
    return ((days * 24 + hour) * 60 + minute - offset) * 60_000_000 + second * 1_000_000 + micro


def civil(microseconds):
    """Date and time of day in Seoul."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
    return moment.astimezone(SEOUL)


def decimals(currency):
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def money(text, currency, signed=False):
    """Decimal string -> exact amount in the currency's own unit; only a signed one may be negative."""
    if not isinstance(text, str):
        raise Refused("money is no decimal string")
    value = decimal(text, currency)
    if value < 0 and not signed:
        raise Refused("negative money")
    return value


@functools.lru_cache(maxsize=100_000)
def decimal(text, currency):
    match = MONEY.fullmatch(text)
    if not match:
        raise Refused("money is no decimal string")
    if len(match[3] or "") > decimals(currency):
        raise Refused("money with more decimals than the currency")
    value = Fraction(text)
    if abs(value) * 10 ** decimals(currency) > MINOR_UNITS_MAX:
        raise Refused("money too large")
    return value


def price_of(unit, option, currency):
    """An option may take something off, but the item never costs less than nothing."""
    price = Fraction(0) if unit is None else money(unit, currency)
    if option in (None, "0"):
        return price
    price += money(option, currency, signed=True)
    if price < 0:
        raise Refused("the option takes more off than the price")
    return price


def quantity_of(row):
    """1 when absent."""
    quantity = want(row.get("quantity"), int, "quantity")
    if quantity is None:
        return 1
    if not 1 <= quantity <= QUANTITY_MAX:
        raise Refused("quantity out of range")
    return quantity


def want(value, kind, what):
    """The value if it is of that kind, Refused if it is of another. None passes."""
    if value is None:
        return None
    good = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if not good:
        raise Refused(f"{what} is of the wrong type")
    return value


def text_of(container, name):
    return want(container.get(name), str, name) or ""


def rows_of(container, name):
    found = want(container.get(name), list, name) or []
    for row in found:
        if not isinstance(row, dict):
            raise Refused(f"{name} holds something that is no object")
    return found


class Item:
    __slots__ = ("code", "product", "sku", "quantity", "price", "status", "gift", "tracking", "live", "cancelled")

    def __init__(self, row, currency):
        self.code, self.product, self.sku = (
            sys.intern(text_of(row, name)) for name in ("item_code", "product_code", "sku"))
        self.quantity = quantity_of(row)
        self.price = price_of(row.get("unit_price"), row.get("option_price"), currency)
        self.status = sys.intern(text_of(row, "status"))
        self.gift = bool(want(row.get("is_gift_item"), bool, "is_gift_item"))
        if row.get("unit_price") is None and not self.gift:
            raise Refused("unit_price missing")
        self.tracking = bool(text_of(row, "tracking_no"))
        self.cancelled = self.status in CANCELLED
        self.live = not self.cancelled and self.status not in RETURNED


class Claim:
    __slots__ = ("kind", "status", "reason", "completed", "items")

    def __init__(self, row, currency):
        self.kind, self.status = text_of(row, "kind"), text_of(row, "status")
        self.reason = text_of(row, "reason")
        for name in ("requested_at", "completed_at"):
            if row.get(name) is not None:
                instant(row[name])
        self.completed = None if row.get("completed_at") is None else instant(row["completed_at"])
        if row.get("refund_amount") is not None:
            money(row["refund_amount"], currency, signed=True)
        self.items = [(text_of(part, "item_code"), quantity_of(part))
                      for part in rows_of(row, "items")]


class Snapshot:
    """One accepted line."""
    __slots__ = ("identity", "event", "event_time", "version", "placed_at", "paid_at", "currency", "methods",
                 "payment", "gift_pending", "key", "ip", "receivers", "items", "claims", "raw")

    def __init__(self, raw):
        row = parse(raw)
        shop = want(row.get("shop_no"), int, "shop_no")
        mall, order = text_of(row, "mall_id"), text_of(row, "order_id")
        if not mall or shop is None or not order:
            raise Refused("identity missing")
        self.identity = (mall, shop, order)
        self.raw = raw
        self.event = text_of(row, "event")
        self.event_time, self.placed_at = instant(row.get("event_time")), instant(row.get("placed_at"))
        self.paid_at = None if row.get("paid_at") is None else instant(row["paid_at"])
        self.version = want(row.get("version"), int, "version")
        if self.version is None:
            raise Refused("version missing")
        self.currency = text_of(row, "currency") or "KRW"
        if not re.fullmatch("[A-Z]{3}", self.currency):
            raise Refused("currency is no code")
        for value in (want(row.get("amount"), dict, "amount") or {}).values():
            if value is not None:
                money(value, self.currency)
        payment = want(row.get("payment"), dict, "payment") or {}
        self.methods = [want(method, str, "method") for method in want(payment.get("methods"), list, "methods") or []]
        self.payment = text_of(payment, "status")
        gift = want(row.get("gift"), dict, "gift") or {}
        want(gift.get("is_gift"), bool, "is_gift")
        self.gift_pending = text_of(gift, "address_state") == "pending"
        buyer = want(row.get("buyer"), dict, "buyer") or {}
        for name in ("name", "member_id", "phone", "email", "grade", "ip"):
            text_of(buyer, name)
        self.key = customer_key(mall, buyer)
        self.ip = text_of(buyer, "ip")
        self.receivers = rows_of(row, "receivers")
        items = rows_of(row, "items")
        if len(items) > ITEMS_MAX:
            raise Refused("more than 256 items")
        if len(self.receivers) > RECEIVERS_MAX:
            raise Refused("more than 5 receivers")
        for receiver in self.receivers:
            for name in ("name", "phone", "zipcode", "address1", "address2", "country", "message"):
                text_of(receiver, name)
        self.items = [Item(item, self.currency) for item in items]
        self.claims = [Claim(claim, self.currency) for claim in rows_of(row, "claims")]

    def fully_cancelled(self):
        return all(item.cancelled for item in self.items)

    def shipped(self):
        return any(item.tracking or item.status in ("N30", "N40", "N50") or item.status[:1] in ("R", "E")
                   for item in self.items)

    def closed(self):
        return self.shipped() or self.fully_cancelled()

    def live_items(self):
        return [item for item in self.items if item.live]


def parse(raw):
    """Bytes of a line -> object. Not UTF-8, not JSON, half a surrogate pair: refused."""
    if len(raw) > LINE_BYTES_MAX:
        raise Refused("more than 1 MiB")
    try:
        row = json.loads(raw.decode("utf-8"), parse_constant=lambda name: no_constant(name))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise Refused("not JSON") from None
    if not isinstance(row, dict):
        raise Refused("not an object")
    if b"\\u" in raw:
        try:
            json.dumps(row, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise Refused("half a surrogate pair") from None
    return row


def no_constant(name):
    raise Refused(f"not JSON: {name}")


def merged_keys(raw):
    """The keys of a merge of customers, (from, to); None for a line that is none."""
    try:
        event = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(event, dict) or event.get("schema") != "passflow.merge/1":
        return None
    instant(event.get("at"))
    guest = {"member_id": event.get("former_member_id"), "phone": event.get("phone"), "email": event.get("email")}
    former, to = customer_key(event["mall_id"], guest), customer_key(event["mall_id"], event)
    if former is None or to is None or to[1] != "member" or former == to:
        raise Refused("a merge of nobody")
    return former, to


def customer_key(mall, buyer):
    """(mall, kind, value): member id, else phone, else e-mail; None without any of them."""
    member = text_of(buyer, "member_id")
    if member:
        return mall, "member", member
    digits = "".join(letter for letter in text_of(buyer, "phone") if letter in "0123456789")
    if digits.startswith("82"):
        digits = "0" + digits[2:]
    if digits and not digits.startswith("050"):
        return mall, "phone", digits
    email = text_of(buyer, "email").strip().lower()
    if email:
        return mall, "email", email
    return None
