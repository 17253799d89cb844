"""The oracle against cases small enough to compute by hand."""

import copy
import json
import os
import tempfile
import unicodedata
import unittest

import oracle
from events import Refused, Snapshot, civil, instant, money


def order(order_id, placed, version=1, event_time=None, **changes):
    """A plain paid order of member m1: one item of 50,000 won to Seoul. `changes` replace top-level fields."""
    row = {"schema": "passflow.order/1", "mall_id": "mall", "shop_no": 1, "order_id": order_id,
           "event": "order.placed", "event_time": event_time or placed, "version": version, "placed_at": placed,
           "paid_at": placed, "currency": "KRW", "payment": {"methods": ["card"], "status": "paid"},
           "buyer": {"member_id": "m1"},
           "receivers": [{"receiver_no": 1, "name": "김하나", "zipcode": "06945", "address1": "서울특별시 동작구 길 1",
                          "address2": "101호", "country": "KR"}],
           "items": [item(order_id + "-01")], "claims": []}
    row.update(copy.deepcopy(changes))
    return row


def item(code, price="50000", quantity=1, status="N10", sku="A", **more):
    return {"item_code": code, "product_code": "P" + sku, "sku": sku, "quantity": quantity, "unit_price": price,
            "status": status, **more}


def claim(code, kind, status, item_code, completed=None, reason="A", quantity=1):
    return {"claim_code": code, "kind": kind, "status": status, "reason": reason, "requested_at": completed,
            "completed_at": completed, "items": [{"item_code": item_code, "quantity": quantity}]}


def kst(day, time="12:00:00"):
    return f"2026-{day}T{time}+09:00"


def labels(rows, reference=None):
    """{(order id, label)} of these events."""
    orders = {}
    for row in rows:
        snapshot = Snapshot(json.dumps(row, ensure_ascii=False).encode())
        orders.setdefault(snapshot.identity, []).append(snapshot)
    return {(row[2], row[4]) for row in oracle.compute(orders, reference or oracle.Reference())}


def of(found, order_id):
    return {label for name, label in found if name == order_id}


class Values(unittest.TestCase):
    def test_times_with_offsets_are_instants(self):
        self.assertEqual(instant("1970-01-01T09:00:00+09:00"), 0)
        self.assertEqual(instant("2026-01-01T00:00:00.5Z") - instant("2025-12-31T23:59:59Z"), 1_500_000)
        for bad in ("2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01", 5, None):
            self.assertRaises(Refused, instant, bad)

    def test_money_has_the_decimals_of_its_currency(self):
        self.assertEqual(money("12.50", "USD") * 2, 25)
        for text, currency in (("1.0", "KRW"), ("-1", "KRW"), ("1.234", "USD"), ("1e3", "KRW"), ("", "KRW"), (5, "KRW")):
            self.assertRaises(Refused, money, text, currency)

    def test_months_clamp_to_the_last_day(self):
        for day, earlier in (("05-31", "2026-02-28"), ("11-30", "2026-08-30"), ("02-15", "2025-11-15")):
            moment = civil(oracle.months_before(instant(kst(day, "01:02:03")), 3))
            self.assertEqual(moment.isoformat(), earlier + "T01:02:03+09:00")


class Lines(unittest.TestCase):
    def refuse(self, raw):
        self.assertRaises(Refused, Snapshot, raw if isinstance(raw, bytes) else json.dumps(raw).encode())

    def test_what_is_no_event_is_refused(self):
        good = order("o", kst("05-04"))
        Snapshot(json.dumps(good).encode())
        for raw in (b"", b"{", b"[]", b"null", b'{"a":\x00}', b"\xff", json.dumps(good).encode()[:-1]):
            self.refuse(raw)
        for name in ("mall_id", "shop_no", "order_id", "event_time", "placed_at", "version"):
            self.refuse({key: value for key, value in good.items() if key != name})
        self.refuse({**good, "items": [item(str(n)) for n in range(257)]})
        Snapshot(json.dumps({**good, "items": [item(str(n)) for n in range(256)]}).encode())
        self.refuse({**good, "receivers": good["receivers"] * 6})
        self.refuse({**good, "items": [item("x", price="-5")]})
        self.refuse({**good, "items": [item("x", price="5.5")]})
        self.refuse({**good, "items": [item("x", price="500", option_price="-501")]})
        self.refuse({**good, "items": [item("x", price=None)]})
        self.refuse({**good, "items": [item("x", quantity=0)]})
        self.refuse({**good, "items": "none"})
        self.refuse({**good, "buyer": {"name": "\ud800"}})
        self.refuse({**good, "event_time": "2026-05-04T12:00:00"})
        self.refuse({**good, "note": "x" * (1 << 20)})


    def test_an_option_may_take_off_as_much_as_the_price(self):
        good = order("o", kst("05-04"))
        for option, price in (("-500", 0), ("-1", 499), ("0", 500), ("20", 520)):
            row = {**good, "items": [item("x", price="500", option_price=option)]}
            self.assertEqual(Snapshot(json.dumps(row).encode()).items[0].price, price)
        row = {**good, "items": [item("x", price=None, is_gift_item=True)], "claims": [
            {**claim("C", "return", "completed", "x"), "refund_amount": "-5"}]}
        Snapshot(json.dumps(row).encode())


class Keys(unittest.TestCase):
    def key(self, **buyer):
        return Snapshot(json.dumps(order("o", kst("05-04"), buyer=buyer)).encode()).key

    def test_first_identity_that_exists(self):
        self.assertEqual(self.key(member_id="a", phone="010-1"), ("mall", "member", "a"))
        for phone in ("010-0000-1234", "+82 10-0000-1234", "8210 0000 1234", "01000001234"):
            self.assertEqual(self.key(phone=phone, email="x@y"), ("mall", "phone", "01000001234"))
        self.assertEqual(self.key(phone="0502-123-4567", email=" X@Y.kr "), ("mall", "email", "x@y.kr"))
        self.assertIsNone(self.key(phone="050712345678"))
        self.assertIsNone(self.key())


class Fold(unittest.TestCase):
    def states(self, *rows):
        return oracle.Order([Snapshot(json.dumps(row).encode()) for row in rows])

    def shipped(self, version, time):
        return order("o", kst("05-04"), version, time, items=[item("o-01", status="N30", tracking_no="1")])

    def test_closed_since_the_unbroken_run(self):
        found = self.states(order("o", kst("05-04")), self.shipped(2, kst("05-05")),
                            order("o", kst("05-04"), 3, kst("05-06")), self.shipped(4, kst("05-07")),
                            self.shipped(5, kst("05-08")))
        self.assertEqual(found.closed_since, instant(kst("05-07")))
        self.assertFalse(found.first_seen_closed)

    def test_a_stale_snapshot_changes_nothing(self):
        found = self.states(self.shipped(5, kst("05-05")), order("o", kst("05-04"), 3, kst("05-06")))
        self.assertEqual(found.closed_since, instant(kst("05-05")))
        self.assertTrue(found.first_seen_closed)

    def test_a_late_line_from_before_makes_it_first_seen_open(self):
        found = self.states(self.shipped(5, kst("05-05")), order("o", kst("05-04")))
        self.assertFalse(found.first_seen_closed)


class Labels(unittest.TestCase):
    def test_first_order_and_ties_by_order_id(self):
        found = labels([order("b", kst("05-04")), order("a", kst("05-04"))])
        self.assertIn("FIRST_ORDER", of(found, "a"))
        self.assertNotIn("FIRST_ORDER", of(found, "b"))

    def test_an_earlier_order_cancelled_before_shipping_makes_the_next_first(self):
        gone = order("a", kst("05-04"), 2, kst("05-05"), items=[item("a-01", status="C40")])
        found = labels([order("a", kst("05-04")), gone, order("b", kst("05-04", "20:00:00"))])
        self.assertIn("FIRST_ORDER", of(found, "b"))
        self.assertEqual(of(found, "a"), set())

    def test_a_cancel_after_shipping_does_not_bend_the_record(self):
        shipped = order("b", kst("05-04", "20:00:00"), 2, kst("05-04", "22:00:00"),
                        items=[item("b-01", status="N30")])
        gone = order("a", kst("05-04"), 2, kst("05-05"), items=[item("a-01", status="C40")])
        found = labels([order("a", kst("05-04")), gone, order("b", kst("05-04", "20:00:00")), shipped])
        self.assertNotIn("FIRST_ORDER", of(found, "b"))

    def test_bundle_within_sixty_minutes_both_ends(self):
        for time, both in (("13:00:00", True), ("13:00:01", False)):
            found = labels([order("a", kst("05-04")), order("b", kst("05-04", time))])
            self.assertEqual({("a", "합포장가능"), ("b", "BUNDLE_SHIP")} <= found, both)

    def test_bundle_stays_frozen_for_the_shipped_one_and_leaves_the_open_one(self):
        shipped = order("a", kst("05-04"), 2, kst("05-05"), items=[item("a-01", status="N30")])
        found = labels([order("a", kst("05-04")), order("b", kst("05-04", "12:30:00")), shipped])
        self.assertIn("BUNDLE_SHIP", of(found, "a"))
        self.assertNotIn("BUNDLE_SHIP", of(found, "b"))

    def test_bundle_needs_the_same_receiver_up_to_white_space_and_composition(self):
        place = order("b", kst("05-04"))["receivers"][0]
        same = {**place, "name": " " + unicodedata.normalize("NFD", place["name"]), "address1": "서울특별시  동작구\t길 1 "}
        other = {**place, "address2": "102호"}
        self.assertIn("BUNDLE_SHIP", of(labels([order("a", kst("05-04")), order("b", kst("05-04"), receivers=[same])]), "a"))
        self.assertNotIn("BUNDLE_SHIP",
                         of(labels([order("a", kst("05-04")), order("b", kst("05-04"), receivers=[other])]), "a"))

    def test_history_is_net_of_completed_claims(self):
        first = order("a", kst("05-04"), items=[item("a-01", "500000", 2, "N40")],
                      claims=[claim("c", "return", "completed", "a-01", kst("05-06"))])
        found = of(labels([first, order("b", kst("05-10"))]), "b")
        self.assertIn("VIP_GIFT", found)
        self.assertNotIn("VIP", found)
        first["claims"][0]["kind"] = "exchange"
        self.assertIn("VIP", of(labels([first, order("b", kst("05-10"))]), "b"))

    def test_unpaid_and_other_currency_are_no_amount(self):
        rich = [item("a-01", "1000000")]
        unpaid = order("a", kst("05-04"), items=rich, payment={"methods": ["cash"], "status": "unpaid"})
        self.assertNotIn("VIP", of(labels([unpaid, order("b", kst("05-10"))]), "b"))
        self.assertIn("BANK_ALERT", of(labels([unpaid]), "a"))
        self.assertNotIn("VIP", of(labels([order("a", kst("05-04"), items=rich, currency="JPY"), order("b", kst("05-10"))]), "b"))

    def test_returns_count_orders_by_fault_and_window(self):
        def returned(name, completed, **more):
            return order(name, kst("02-01"), items=[item(name + "-01", status="R40")],
                         claims=[claim("c" + name, "return", "completed", name + "-01", completed, **more)])
        late = order("z", "2026-05-31T12:00:00+09:00")
        inside, outside = "2026-02-28T12:00:00+09:00", "2026-02-28T11:59:59+09:00"
        self.assertIn("CS주의", of(labels([returned("a", inside), returned("b", inside, reason=""), late]), "z"))
        self.assertNotIn("CS주의", of(labels([returned("a", inside), returned("b", outside), late]), "z"))
        self.assertNotIn("CS주의", of(labels([returned("a", inside), returned("b", inside, reason="B"), late]), "z"))
        self.assertNotIn("CS주의", of(labels([returned("a", inside), returned("b", late["placed_at"]), late]), "z"))

    def test_kept_labels_survive_a_full_cancel_on_the_items_live_before(self):
        def row(version, status):
            return order("x", kst("05-04"), version, kst("05-04", f"12:0{version}:00"), buyer={"member_id": "q", "ip": "8.8.8.8"},
                         items=[item("x-01", "150000", status=status), item("x-02", "1", status="C40")])
        reference = oracle.Reference()
        reference.ranges[4] = [(0x08080800, 0x080808FF, "US")]
        self.assertEqual(of(labels([row(1, "N10"), row(2, "C40")], reference), "x"), {"FRAUD_CHECK", "고위험주문"})
        self.assertEqual(of(labels([row(2, "C40")], reference), "x"), set())

    def test_no_identity_means_no_history(self):
        found = of(labels([order("a", kst("05-04"), buyer={})]), "a")
        self.assertEqual(found, set())


class Places(unittest.TestCase):
    zones = oracle.Reference()
    zones.zones = [("63000", "63644", "제주"), ("40200", "40240", "도서산간")]

    def zone(self, zipcode, address1, **more):
        return oracle.zone({"zipcode": zipcode, "address1": address1, **more}, self.zones)

    def test_zip_first_then_leading_tokens_never_the_rest(self):
        self.assertEqual(self.zone("63644", "서울특별시 중구"), "제주")
        self.assertEqual(self.zone("63645", "서울특별시 중구"), "none")
        self.assertEqual(self.zone("", "경북  울릉군 울릉읍"), "도서산간")
        self.assertEqual(self.zone("690-011", unicodedata.normalize("NFD", "제주특별자치도 제주시")), "제주")
        for decoy in ("제주식당 앞", "제주시 연동", "서울특별시 제주로 1", "경상남도 울릉군", "인천광역시 신안군"):
            self.assertEqual(self.zone("01000", decoy), "none")
        self.assertEqual(self.zone("63000", "제주도 1", country="JP"), "none")
        self.assertIsNone(self.zone("", ""))


class Tables(unittest.TestCase):
    def reference(self, **files):
        directory = tempfile.mkdtemp()
        for name, text in files.items():
            with open(os.path.join(directory, name + ".csv"), "w", encoding="utf-8") as file:
                file.write(text)
        return oracle.Reference(directory)

    def test_lists_are_half_open_and_know_products(self):
        tables = self.reference(lists="list,sku,valid_from,valid_to\n"
                                f"event,A,{kst('05-01')},{kst('05-08')}\nnew,PA,,\n")
        for day, time, inside in (("05-01", "12:00:00", True), ("05-01", "11:59:59", False), ("05-08", "11:59:59", True),
                                  ("05-08", "12:00:00", False)):
            found = of(labels([order("a", kst(day, time))], tables), "a")
            self.assertEqual("이벤트주문" in found, inside)
            self.assertIn("마케팅분석대상", found)

    def test_stock_after_this_order_and_its_age(self):
        tables = self.reference(stock=f"sku,quantity,safety,as_of\nA,12,10,{kst('05-04')}\n")
        def low(day, time, quantity):
            row = order("a", kst(day, time), items=[item("a-01", quantity=quantity), item("a-02", is_gift_item=True)])
            return "STOCK_ALERT" in of(labels([row], tables), "a")
        self.assertTrue(low("05-05", "12:00:00", 1))
        self.assertFalse(low("05-05", "12:00:01", 1))
        self.assertFalse(low("05-04", "11:59:59", 5))
        self.assertFalse("STOCK_ALERT" in of(labels([order("a", kst("05-04"))], tables), "a"))

    def test_same_day_looks_at_payment_and_calendar(self):
        tables = self.reference(lists="list,sku,valid_from,valid_to\nsame_day,A,,\n", holidays="date,name\n2026-05-05,어린이날\n")
        for day, time, good in (("05-04", "10:59:59", True), ("05-04", "11:00:00", False), ("05-05", "09:00:00", False),
                                ("05-09", "09:00:00", False), ("05-10", "09:00:00", False)):
            found = of(labels([order("a", kst(day, time))], tables), "a")
            self.assertEqual("SAME_DAY" in found, good, (day, time))
        dawn = of(labels([order("a", kst("05-05", "04:59:59"))], tables), "a")
        self.assertLessEqual({"당일배송", "출고우선"}, dawn)
        self.assertNotIn("당일배송", of(labels([order("a", kst("05-05", "05:00:00"))], tables), "a"))

    def test_countries(self):
        tables = self.reference(geo="# x\n134744064,134744319,US\n1.2.3.0,1.2.3.255,??\n5.5.5.0,5.5.5.255,EU\n"
                                    "2001:4860::,2001:4860:ffff:ffff:ffff:ffff:ffff:ffff,US\n")
        for text, country in (("8.8.8.8", "US"), ("::ffff:8.8.8.8", "US"), ("2001:4860::1", "US"), ("1.2.3.4", None),
                              ("5.5.5.5", "EU"), ("8.8.9.0", None), ("10.0.0.1", None), ("08.8.8.8", None), ("", None)):
            self.assertEqual(oracle.ip_country(text, tables), country, text)


class Output(unittest.TestCase):
    def test_sorted_as_bytes_and_quoted(self):
        rows = [order("o,1", kst("05-04")), order('o"2', kst("05-04"), buyer={"member_id": "m2"})]
        orders = {}
        for row in rows:
            snapshot = Snapshot(json.dumps(row).encode())
            orders[snapshot.identity] = [snapshot]
        path = os.path.join(tempfile.mkdtemp(), "labels.csv")
        oracle.write_labels(path, oracle.compute(orders, oracle.Reference()))
        with open(path, "rb") as file:
            self.assertEqual(file.read().decode(),
                             'mall_id,shop_no,order_id,item_code,label,rules\n'
                             'mall,1,"o""2","o""2-01",FIRST_ORDER,FIRST_ORDER\n'
                             'mall,1,"o,1","o,1-01",FIRST_ORDER,FIRST_ORDER\n')


if __name__ == "__main__":
    unittest.main()
