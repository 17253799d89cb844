"""Lines that must be refused, and odd ones that must be accepted. Each is (what, bytes)."""

import copy
import json


def plain(number):
    placed = f"2026-06-{number % 28 + 1:02d}T12:00:00+09:00"
    order_id = f"BAD-{number:06d}"
    return {"schema": "passflow.order/1", "mall_id": "advmall", "shop_no": 1, "order_id": order_id,
            "event": "order.placed", "event_time": placed, "version": 1, "placed_at": placed, "paid_at": placed,
            "currency": "KRW", "payment": {"methods": ["card"], "status": "paid"},
            "buyer": {"member_id": f"bad{number}", "name": "김하나"},
            "receivers": [{"receiver_no": 1, "name": "김하나", "zipcode": "63000", "address1": "제주특별자치도 제주시",
                           "address2": "1", "country": "KR"}],
            "items": [{"item_code": order_id + "-01", "product_code": "PX00", "sku": "X00", "name": "물건", "quantity": 1,
                       "unit_price": "400000", "status": "N10"}], "claims": []}


def encoded(row, ascii_only=False):
    return json.dumps(row, ensure_ascii=ascii_only, separators=(",", ":")).encode("utf-8")


def refused(number):
    """Every kind once; their orders appear nowhere else."""
    serial = iter(range(number, number + 1000))

    def changed(**fields):
        return encoded({**plain(next(serial)), **fields})

    def without(name):
        return encoded({key: value for key, value in plain(next(serial)).items() if key != name})

    def item(**fields):
        row = plain(next(serial))
        row["items"][0].update(fields)
        return encoded(row)

    many = plain(next(serial))
    many["items"] = [{**many["items"][0], "item_code": f"{many['order_id']}-{n}"} for n in range(257)]
    crowd = plain(next(serial))
    crowd["receivers"] = [{**crowd["receivers"][0], "receiver_no": n} for n in range(1, 7)]
    lone = plain(next(serial))
    lone["buyer"]["name"] = "\ud83d"
    dollars = copy.deepcopy(plain(next(serial)))
    dollars["currency"], dollars["items"][0]["unit_price"] = "USD", "1.234"
    good = encoded(plain(next(serial)))
    return [
        ("not JSON", b"order 17 please"), ("cut off", good[:len(good) // 2]), ("two values", good + good),
        ("a list", b"[" + good + b"]"), ("a number", b"17"), ("a string", b'"order"'), ("null", b"null"),
        ("single quotes", good.replace(b'"', b"'")), ("trailing comma", good[:-1] + b",}"),
        ("NUL in a string", good.replace("물건".encode(), b"a\x00b")), ("NUL bytes alone", b"\x00\x00\x00"),
        ("NUL between values", good.replace(b'"claims":', b'\x00"claims":')),
        ("not UTF-8", good.replace("물건".encode(), b"\xb9\xb0\xb0\xc7")),
        ("lone surrogate, escaped", encoded(lone, ascii_only=True)),
        ("lone surrogate, raw", good.replace("물건".encode(), b"\xed\xa0\xbd")),
        ("mall_id missing", without("mall_id")), ("shop_no missing", without("shop_no")),
        ("order_id missing", without("order_id")), ("order_id empty", changed(order_id="")),
        ("mall_id is a number", changed(mall_id=5)), ("shop_no is text", changed(shop_no="one")),
        ("order_id is a list", changed(order_id=["a"])), ("version is text", changed(version="new")),
        ("items is text", changed(items="none")), ("items holds a number", changed(items=[5])),
        ("buyer is a list", changed(buyer=[])), ("receivers is an object", changed(receivers={})),
        ("placed_at missing", without("placed_at")), ("event_time missing", without("event_time")),
        ("version missing", without("version")),
        ("event_time without offset", changed(event_time="2026-06-01T12:00:00")),
        ("placed_at without offset", changed(placed_at="2026-06-01T12:00:00")),
        ("paid_at without offset", changed(paid_at="2026-06-01 12:00:00")),
        ("no such day", changed(placed_at="2026-02-30T12:00:00+09:00")),
        ("time is a number", changed(event_time=1780000000)), ("time is prose", changed(event_time="yesterday")),
        ("quantity is text", item(quantity="three")), ("quantity negative", item(quantity=-1)),
        ("quantity zero", item(quantity=0)), ("quantity over a million", item(quantity=1_000_001)),
        ("price negative", item(unit_price="-15000")), ("price missing", item(unit_price=None)),
        ("option price below minus the price", item(option_price="-400001")),
        ("option price below minus the price, a gift", item(unit_price=None, is_gift_item=True, option_price="-1")),
        ("option price is prose", item(option_price="-cheap")),
        ("won with decimals", item(unit_price="100.5")), ("dollars with three decimals", encoded(dollars)),
        ("price is prose", item(unit_price="cheap")), ("price empty", item(unit_price="")),
        ("price with a comma", item(unit_price="100,000")), ("price in exponent form", item(unit_price="1e5")),
        ("amount negative", changed(amount={"items": "400000", "paid": "-5"})),
        ("amount is text", changed(amount="400000")), ("257 items", encoded(many)), ("6 receivers", encoded(crowd)),
        ("2 MiB", changed(note="x" * (2 << 20))),
    ]


def accepted(number):
    serial = iter(range(number, number + 1000))

    def changed(**fields):
        return encoded({**plain(next(serial)), **fields})

    def item(**fields):
        row = plain(next(serial))
        row["items"][0].update(fields)
        return encoded(row)

    full = plain(next(serial))
    full["items"] = [{**full["items"][0], "item_code": f"{full['order_id']}-{n:03d}"} for n in range(256)]
    crowd = plain(next(serial))
    crowd["receivers"] = [{**crowd["receivers"][0], "receiver_no": n} for n in range(1, 6)]
    emoji = plain(next(serial))
    emoji["buyer"]["name"], emoji["items"][0]["name"] = "🦊 김", "선물 🎁👨‍👩‍👧"
    long = plain(next(serial))
    long["receivers"][0]["message"] = "부재시 " * 10_000
    return [
        ("256 items", encoded(full)), ("5 receivers", encoded(crowd)), ("emoji", encoded(emoji)),
        ("emoji, escaped", encoded(emoji | {"order_id": "BAD-EMOJI"}, ascii_only=True)),
        ("a message of 100 kB", encoded(long)), ("an unknown field of 100 kB", changed(note="x" * 100_000)),
        ("unknown fields, nested", changed(extra={"a": [1, {"b": None}], "c": 1e300})),
        ("option price negative", item(option_price="-1")),
        ("option price that makes it free", item(option_price="-400000")),
        ("quantity missing", item(quantity=None)), ("a gift without price", item(unit_price=None, is_gift_item=True)),
        ("refund negative", changed(claims=[{"claim_code": "C1", "kind": "exchange", "status": "completed",
                                             "reason": "A", "refund_amount": "-3000", "items": []}])),
        ("unknown status code", item(status="N77")), ("status in prose", item(status="배송중?")),
        ("year 1970", changed(placed_at="1970-01-01T00:00:00Z", event_time="1970-01-01T00:00:00Z",
                              paid_at="1970-01-01T00:00:00Z")),
        ("no items", changed(items=[])), ("no buyer", changed(buyer={})), ("no receivers", changed(receivers=[])),
        ("nulls where something is optional", changed(paid_at=None, market_order_no=None, coupons=[], memos=[])),
        ("an unknown mall", changed(mall_id="unknown-mall")), ("white space around", b"  " + changed() + b"\t "),
        ("an order id with comma and quote", changed(order_id='BAD,"1"')),
        ("unknown event name", changed(event="order.dreamt")),
    ]
