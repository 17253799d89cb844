"""What happens to an order after it is placed: payment, shipping, claims, gift addresses, reverts.

The UCI file knows sales and returns only. Everything else is drawn, with shares stated below, from a generator
seeded with the order's own number.
"""

import datetime
import json
import random

MINUTE, HOUR, DAY = 60, 3600, 86400
KST = 9 * HOUR

# Shares of orders, chosen so that every path occurs often enough to be seen and none dominates.
CASH = 0.18           # bank transfer, placed unpaid
CASH_EXPIRES = 0.07   # of those: never paid, cancelled by the shop after three days
CASH_OPEN = 0.06      # of those: never paid and never cancelled
GIFT = 0.03
CANCEL_ALL = 0.03
CANCEL_PART = 0.035
CANCEL_REFUSED = 0.01
ADDRESS_CHANGE = 0.04
REVERT = 0.015
EXCHANGE = 0.012
REASONS = "AAAAEEFFFBCDGHI"


def iso(time):
    """Seconds since the epoch -> RFC 3339 in Korean time."""
    days, second = divmod(time + KST, DAY)
    return f"{civil(days)}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+09:00"


_civil = {}


def civil(days):
    """Days since 1970-01-01 -> YYYY-MM-DD."""
    text = _civil.get(days)
    if text is None:
        text = _civil[days] = (datetime.date(1970, 1, 1) + datetime.timedelta(days=days)).isoformat()
    return text


def is_live(status):
    return status[0] in "NE" or status[1:] < "40"


def any_live(statuses):
    return any(map(is_live, statuses))


class Line:
    """One order item: fixed parts already encoded, status in between."""
    __slots__ = ("code", "product", "sku", "quantity", "price", "head")

    def __init__(self, code, product, sku, name, quantity, price):
        self.code, self.product, self.sku, self.quantity, self.price = code, product, sku, quantity, price
        self.head = (f'{{"item_code":"{code}","product_code":"{product}","sku":"{sku}",'
                     f'"name":{json.dumps(name, ensure_ascii=False)},"quantity":{quantity},"unit_price":"{price}",'
                     f'"status":"')


class Order:
    """An order and the snapshots it leaves. `links` are returns found in the history: (time, invoice, line, count)."""

    def __init__(self, order_id, placed, customer, lines, shipping):
        self.id, self.placed, self.customer, self.lines, self.shipping = order_id, placed, customer, lines, shipping
        self.links = []
        self.snapshots = []
        self.status = ["N10"] * len(lines)
        self.tracking = None
        self.claims = []
        self.paid_at = placed
        self.payment, self.method = "paid", "card"
        self.gift = None
        self.receiver = customer.receiver
        self.ip = None
        self.discount = 0
        self.ordered = sum(line.quantity * line.price for line in lines) + shipping

    def snap(self, event, time):
        if self.snapshots and time <= self.snapshots[-1][0]:
            time = self.snapshots[-1][0] + 1
        self.snapshots.append((time, len(self.snapshots) + 1, event, tuple(self.status), self.tracking,
                               tuple(self.claims), self.paid_at, self.payment, self.gift, self.receiver))

    def live(self):
        return [index for index, status in enumerate(self.status) if is_live(status)]

    # Claims are tuples (code, kind, status, reason, requested, completed, ((line, count), ...)).

    def request(self, event_time, code, kind, reason, items):
        self.claims.append((code, kind, "requested", reason, event_time, None, tuple(items)))
        for index, count in items:
            if count == self.lines[index].quantity:
                self.status[index] = {"cancel": "C00", "return": "R00", "exchange": "E00"}[kind]
        self.snap("claim.requested", event_time)

    def finish(self, time, code, outcome, back):
        for position, claim in enumerate(self.claims):
            if claim[0] != code:
                continue
            _, kind, _, reason, requested, _, items = claim
            done = outcome == "completed"
            self.claims[position] = (code, kind, outcome, reason, requested, time if done else None, items)
            for index, count in items:
                taken = sum(part for other in self.claims if other[2] == "completed" and other[1] == kind
                            for line, part in other[6] if line == index)
                if done and taken >= self.lines[index].quantity:
                    self.status[index] = {"cancel": "C40", "return": "R40", "exchange": "E40"}[kind]
                elif self.status[index][1:] == "00" and self.status[index][0] != "N":
                    self.status[index] = back
        self.snap("order.canceled" if done and not self.live() else "claim." + outcome, time)


def live_through(order, seed, until, receivers):
    """Fills `order.snapshots`. `receivers(rng)` draws another receiver of the same buyer."""
    rng = random.Random(f"{seed}:life:{order.id}")
    plain = not order.links
    order.ip = order.customer.address(rng)
    if rng.random() < order.customer.elsewhere:
        order.receiver = order.customer.second
    cash = rng.random() < CASH
    gift = plain and not cash and rng.random() < GIFT
    plan, ready = [], order.placed
    if cash:
        ready = plan_transfer(order, rng, plan)
    if gift:
        ready = plan_gift(order, rng, plan)
    if ready is not None:
        plan_parcel(order, rng, plan, ready, gift)
    plan += [(link[0], link) for link in order.links]
    plan.sort(key=lambda entry: entry[0])
    order.snap("order.placed", order.placed)
    for time, what in plan:
        act(order, rng, time, what, receivers)
    order.snapshots = [snapshot for snapshot in order.snapshots if snapshot[0] <= until]


def plan_transfer(order, rng, plan):
    """A bank transfer, unpaid at first. Returns when it is paid, None if never."""
    order.status = ["N00"] * len(order.lines)
    order.payment, order.method, order.paid_at = "unpaid", "cash", None
    placed, fate = order.placed, rng.random()
    if not order.links and fate < CASH_OPEN:
        return None
    if not order.links and fate < CASH_OPEN + CASH_EXPIRES:
        plan.append((placed + 3 * DAY, "expire"))
        return None
    first = min((link[0] for link in order.links), default=placed + 2 * DAY)
    ready = placed + min(int(rng.expovariate(1 / (5 * HOUR))) + 5 * MINUTE, max((first - placed) // 2, 1))
    plan.append((ready, "pay"))
    return ready


def plan_gift(order, rng, plan):
    """A gift waits for its receiver's address. Returns when it is entered, None if never."""
    order.gift, order.receiver = "pending", None
    end = order.placed + int(rng.uniform(0.2, 60) * HOUR)
    outcome = rng.choices(("entered", "refused", "expired"), (80, 10, 10))[0]
    end = order.placed + 3 * DAY if outcome == "expired" else end
    plan.append((end, outcome))
    if outcome == "entered":
        return end
    plan.append((end + 2 * HOUR, "cancel_all"))
    return None


def plan_parcel(order, rng, plan, ready, gift):
    """Cancels, a new address, shipping, a revert, delivery and an exchange from `ready` on."""
    plain = not order.links
    kind = rng.random() if plain else 1
    shipped = ready + int(rng.uniform(5, 44) * HOUR)
    if kind < CANCEL_ALL:
        plan.append((ready + int(rng.uniform(0.1, 4) * HOUR), "cancel_all"))
        return
    if kind < CANCEL_ALL + CANCEL_PART:
        plan.append((ready + int(rng.uniform(0.1, 4) * HOUR), "cancel_part"))
    elif kind < CANCEL_ALL + CANCEL_PART + CANCEL_REFUSED:
        plan.append((ready + int(rng.uniform(0.1, 2) * HOUR), "cancel_refused"))
    if not gift and rng.random() < ADDRESS_CHANGE:
        plan.append((ready + int(rng.uniform(0.05, 0.9) * (shipped - ready)), "address"))
    plan.append((shipped, "ship"))
    if rng.random() < REVERT:
        plan.append((shipped + HOUR, "revert"))
        plan.append((shipped + 5 * HOUR, "ship"))
    arrived = shipped + 6 * HOUR + int(rng.uniform(12, 50) * HOUR)
    plan.append((arrived, "deliver"))
    if plain and rng.random() < EXCHANGE:
        plan.append((arrived + int(rng.uniform(1, 6) * DAY), "exchange"))


def act(order, rng, time, what, receivers):
    if not isinstance(what, str):
        return claim_from_history(order, rng, time, what)
    live = order.live()
    if not live:
        return
    code = f"C{order.id}-{len(order.claims) + 1}"
    if what == "pay":
        order.payment, order.paid_at = "paid", time
        order.status = ["N10" if status == "N00" else status for status in order.status]
        order.snap("order.paid", time)
    elif what == "expire":
        order.status = ["C40" for _ in order.status]
        order.snap("order.canceled", time)
    elif what in ("entered", "refused", "expired"):
        order.gift = what
        if what == "entered":
            order.receiver = receivers(rng)
        order.snap("address." + what, time)
    elif what == "address":
        order.receiver = receivers(rng)
        order.snap("address.changed", time)
    elif what == "cancel_all":
        order.request(time, code, "cancel", rng.choice("AABCI"), [(i, order.lines[i].quantity) for i in live])
        order.finish(time + rng.randint(1, 90) * MINUTE, code, "completed", "N10")
    elif what == "cancel_part":
        chosen = rng.sample(live, max(1, len(live) // 6))
        items = [(i, rng.randint(1, order.lines[i].quantity)) for i in chosen]
        order.request(time, code, "cancel", rng.choice("AABCI"), items)
        order.finish(time + rng.randint(1, 90) * MINUTE, code, "completed", "N10")
    elif what == "cancel_refused":
        order.request(time, code, "cancel", "A", [(i, order.lines[i].quantity) for i in live])
        order.finish(time + rng.randint(1, 90) * MINUTE, code, "refused", "N10")
    elif what == "ship":
        order.status = ["N30" if status[0] == "N" else status for status in order.status]
        order.tracking = f"{rng.randint(10 ** 11, 10 ** 12 - 1)}"
        order.snap("shipment.registered", time)
    elif what == "revert":
        order.status = ["N20" if status == "N30" else status for status in order.status]
        order.tracking = None
        order.snap("status.reverted", time)
    elif what == "deliver":
        order.status = ["N40" if status == "N30" else status for status in order.status]
        order.snap("shipment.delivered", time)
    elif what == "exchange":
        chosen = rng.choice(live)
        order.request(time, code, "exchange", rng.choice("AEF"), [(chosen, order.lines[chosen].quantity)])
        order.finish(time + 2 * DAY, code, "completed", "N40")


def claim_from_history(order, rng, time, link):
    """A `C` invoice: a completed return, or a cancel if the parcel had not left yet."""
    _, invoice, items = link
    kind = "return" if order.tracking else "cancel"
    code = f"{invoice}-{order.id}"
    requested = time - int(rng.uniform(2, 30) * HOUR)
    if kind == "return" and rng.random() < 0.3 and requested > order.snapshots[-1][0]:
        order.request(requested, code, kind, rng.choice(REASONS), items)
    else:
        order.claims.append((code, kind, "requested", rng.choice(REASONS), time, None, tuple(items)))
    order.finish(max(time, order.snapshots[-1][0] + 1), code, "completed", "N40" if order.tracking else "N10")


def render(order, snapshot):
    """One line of NDJSON. Fields at their default value are left out."""
    time, version, event, statuses, tracking, claims, paid_at, payment, gift, receiver = snapshot
    lines = order.lines
    items = 0
    parts = []
    for line, status in zip(lines, statuses):
        if is_live(status):
            items += line.quantity * line.price
        tail = f'","tracking_no":"{tracking}"}}' if tracking and status[0] != "C" else '"}'
        parts.append(line.head + status + tail)
    gone = 0
    claim_parts = []
    for code, kind, status, reason, requested, completed, named in claims:
        refund = sum(lines[index].price * count for index, count in named)
        if status == "completed":
            gone += refund if kind != "exchange" else 0
        names = ",".join(f'{{"item_code":"{lines[index].code}","quantity":{count}}}' for index, count in named)
        done = f'"{iso(completed)}"' if completed else "null"
        claim_parts.append(f'{{"claim_code":"{code}","kind":"{kind}","status":"{status}","reason":"{reason}",'
                           f'"requested_at":"{iso(requested)}","completed_at":{done},'
                           f'"refund_amount":"{refund if status == "completed" else 0}","items":[{names}]}}')
    current = max(order.ordered - gone, 0) if any_live(statuses) else 0
    paid = order.ordered if payment == "paid" else 0
    gift_text = "" if gift is None else (
        f'"gift":{{"is_gift":true,"address_state":"{gift}","address_due":"{iso(order.placed + 3 * DAY)}"}},')
    due = f'"{iso(paid_at)}"' if paid_at else "null"
    return (f'{{"schema":"passflow.order/1","mall_id":"demomall","shop_no":1,"order_id":"{order.id}",'
            f'"event":"{event}","event_time":"{iso(time)}","version":{version},"placed_at":"{iso(order.placed)}",'
            f'"paid_at":{due},"channel":"self","currency":"KRW",'
            f'"amount":{{"items":"{items}","shipping":"{order.shipping}","discount":"0",'
            f'"ordered":"{order.ordered}","current":"{current}","paid":"{paid}"}},'
            f'"payment":{{"methods":["{order.method}"],"status":"{payment}"}},{gift_text}'
            f'{order.customer.buyer(order.ip)}"receivers":[{receiver or ""}],'
            f'"items":[{",".join(parts)}],"claims":[{",".join(claim_parts)}]}}\n')
