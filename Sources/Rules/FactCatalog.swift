/// The vocabulary of the rule language: every fact a condition can name, with type, meaning and when it is
/// missing. `docs/rules.md` shows the same table; a test holds the two together.
public enum FactCatalog {
  public struct Entry: Sendable {
    public var name: String
    public var type: RuleType
    public var fact: Fact?
    public var korean: String
    public var english: String
    /// Empty: never missing.
    public var missingWhen: String
    /// When not empty: the only values there are.
    public var values: [String]
    /// When not empty: the values that are known; others may come.
    public var usualValues: [String] = []
  }

  public static let entries: [Entry] = orderEntries + itemEntries + lineEntries

  static func entry(named name: String) -> Entry? { byName[name] }
  public static func name(of fact: Fact) -> String { names[fact] ?? "" }

  private static let byName = Dictionary(
    entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  private static let names: [Fact: String] = Dictionary(
    entries.compactMap { entry in entry.fact.map { ($0, entry.name) } },
    uniquingKeysWith: { first, _ in first })

  private static func entry(
    _ name: String, _ type: RuleType, _ fact: Fact?, _ korean: String, _ english: String,
    missing: String = "", values: [String] = [], usual: [String] = []
  ) -> Entry {
    Entry(
      name: name, type: type, fact: fact, korean: korean, english: english, missingWhen: missing,
      values: values, usualValues: usual)
  }

  /// As Cafe24's order API has them.
  private static let paymentMethods = [
    "cash", "card", "cell", "tcash", "icash", "prepaid", "credit", "point", "pointfy", "cvs", "cod", "coupon",
    "market_discount", "giftcard", "pointcard", "etc",
  ]
  private static let noKey = "the order has no customer key (no member id, phone or e-mail)"
  private static let noProfile = "no profile of the customer has told it"
  private static let noEarlier = "there is no earlier order, or no customer key"
  private static let notGiven = "the sender did not give it"

  private static let orderEntries: [Entry] = [
    entry(
      "amount.items", .decimal, .amountItems, "상품 금액: (판매가 + 옵션가) × 수량의 합, 취소·반품·사은품 제외",
      "sum of (unit price + option price) × quantity over live, non-gift items"),
    entry(
      "amount.ordered", .decimal, .amountOrdered, "최초 주문 금액", "amount at order time", missing: notGiven),
    entry(
      "amount.current", .decimal, .amountCurrent, "변경·부분취소 후 금액", "amount after edits and partial cancels",
      missing: notGiven),
    entry(
      "amount.paid", .decimal, .amountPaid, "실제 결제 금액 (배송비 포함, 할인 제외)",
      "what the buyer really paid, shipping in and discounts out", missing: notGiven),
    entry("amount.shipping", .decimal, .amountShipping, "배송비", "shipping fee", missing: notGiven),
    entry("amount.discount", .decimal, .amountDiscount, "할인 금액", "discount", missing: notGiven),
    entry(
      "amount.surcharge", .decimal, .amountSurcharge, "지역별 추가 배송비", "regional shipping surcharge",
      missing: notGiven),
    entry(
      "amount.discount.grade", .decimal, .amountDiscountGrade, "할인 금액 중 회원 등급 할인",
      "of the discount: by the buyer's grade", missing: notGiven),
    entry(
      "amount.discount.coupon", .decimal, .amountDiscountCoupon, "할인 금액 중 쿠폰 할인",
      "of the discount: by coupons", missing: notGiven),
    entry("amount.points", .decimal, .amountPoints, "사용한 적립금", "paid with points", missing: notGiven),
    entry(
      "amount.refunded", .decimal, .amountRefunded, "지금까지 환불된 금액",
      "paid back so far: as sent, else the refunds of completed claims together",
      missing: "not sent, and a completed claim does not say its refund"),
    entry("currency", .string, .currency, "통화 (KRW, USD …)", "currency of the amounts"),
    entry(
      "payment.status", .string, .paymentStatus, "결제 상태", "payment status", missing: notGiven,
      values: ["unpaid", "partly", "paid"]),
    entry(
      "payment.methods", .stringList, .paymentMethods, "결제 수단 목록", "payment methods of the order",
      usual: paymentMethods),
    entry(
      "payment.gateway", .string, .paymentGateway, "결제 대행사 (PG)", "payment gateway, as sent",
      missing: notGiven),
    entry("payment.card_issuer", .string, .cardIssuer, "카드사", "card issuer, as sent", missing: notGiven),
    entry(
      "payment.installments", .int, .installments, "할부 개월 수 (일시불은 0 또는 1, 보낸 대로)",
      "months of instalment, as sent", missing: notGiven),
    entry("coupons", .stringList, .coupons, "주문에 쓴 쿠폰 번호 목록", "numbers of the coupons used on the order"),
    entry(
      "coupons.types", .stringList, .couponTypes, "주문에 쓴 쿠폰의 발급 유형 목록",
      "issue types of the coupons used on the order (first_purchase …), as sent"),
    entry(
      "receivers.count", .int, .receiverCount, "배송지 수",
      "receivers of the order; 0 while a gift waits for its address"),
    entry(
      "order.has_market_number", .bool, .hasMarketNumber, "마켓 주문번호가 있음",
      "the order has a number of a marketplace"),
    entry(
      "order.platform_first", .bool, .platformFirst, "플랫폼이 첫 주문으로 표시함",
      "the platform's own mark of a first order", missing: notGiven),
    entry(
      "buyer.is_member", .bool, .isMember, "회원 주문 (회원 ID 있음)", "the order has a member id",
      missing: noKey),
    entry(
      "buyer.is_guest", .bool, .isGuest, "비회원 주문 (회원 ID 없이 전화번호나 이메일만)",
      "no member id, but a phone or e-mail", missing: noKey),
    entry("channel", .string, .channel, "판매 채널", "sales channel", missing: notGiven),
    entry("event", .string, .event, "주문에 일어난 일 (order.placed 등)", "what happened to the order"),
    entry(
      "customer.grade", .string, .customerGrade, "판단 시점의 회원 등급 (프로필)",
      "the customer's grade as told last", missing: noProfile),
    entry(
      "customer.coupons", .int, .heldCouponCount, "고객이 보유한 쿠폰 수", "coupons that the customer holds",
      missing: noProfile),
    entry(
      "cart.products", .int, .cartProducts, "장바구니 상품 종류 수", "different product codes in the customer's cart",
      missing: noProfile),
    entry(
      "cart.quantity", .int, .cartQuantity, "장바구니 수량 합", "pieces in the customer's cart",
      missing: noProfile),
    entry(
      "cart.amount", .decimal, .cartAmount, "장바구니 총 금액: (판매가 + 옵션가) × 수량의 합, 할인 전",
      "sum of (unit price + option price) × quantity in the customer's cart, before discounts",
      missing: noProfile + ", or the cart is in another currency"),
    entry("grade", .string, .grade, "주문 시점의 회원 등급", "the buyer's grade at the order", missing: notGiven),
    entry("gift.is_gift", .bool, .isGift, "선물하기 주문 여부", "the order is a gift"),
    entry(
      "gift.address_state", .string, .addressState, "선물 배송지 입력 상태", "state of the gift's address",
      values: ["entered", "pending", "refused", "expired"]),
    entry(
      "gift.address_due", .timestamp, .addressDue, "선물 배송지 입력 기한",
      "until when the gift's address can be entered",
      missing: notGiven),
    entry(
      "history.orders", .int, .historyOrders, "이 주문 이전의 주문 수 (전체 취소 제외)",
      "earlier orders of the customer that are not fully cancelled", missing: noKey),
    entry(
      "history.amount", .decimal, .historyAmount, "이 주문 이전의 결제 완료 순 구매 금액 합계",
      "net amount of the customer's earlier paid orders", missing: noKey),
    entry(
      "history.first_order_at", .timestamp, nil, "이전 주문 가운데 첫 주문 시각 (전체 취소 제외)",
      "when the first of the customer's earlier orders was placed", missing: noEarlier),
    entry(
      "history.last_order_at", .timestamp, nil, "바로 앞 주문 시각 (전체 취소 제외)",
      "when the last of the customer's earlier orders was placed", missing: noEarlier),
    entry(
      "bundle.partners", .int, .bundlePartners, "60분 안에 같은 곳으로 가는 같은 고객의 다른 주문 수",
      "other open orders of the customer to the same receiver within 60 minutes", missing: noKey),
    entry(
      "zones", .stringList, .zones, "배송지 권역 (제주, 도서산간, none)", "zones of all receivers",
      missing: "some receiver has neither zip nor address (a pending gift)"),
    entry(
      "ip.country", .string, .ipCountry, "주문 IP의 국가 코드", "country code of the buyer's IP address",
      missing: "there is no public address with a known country"),
    entry(
      "ip.foreign", .bool, nil, "해외 IP 여부 (국가를 알고 KR이 아님)", "the country is known and not KR",
      missing: "ip.country is missing"),
    entry("order.placed_at", .timestamp, .placedAt, "주문 시각", "when the order was placed"),
    entry(
      "order.paid_at", .timestamp, .paidAt, "결제 시각", "when the order was paid",
      missing: "not paid, or not given"),
    entry(
      "order.paid_or_placed_at", .timestamp, .paidOrPlacedAt, "결제 시각, 없으면 주문 시각",
      "when it was paid, else when it was placed"),
  ]

  private static let itemEntries: [Entry] = [
    entry("item.sku", .string, .itemSku, "품목 코드 (SKU)", "stock keeping unit", missing: notGiven),
    entry("item.product_code", .string, .itemProductCode, "상품 코드", "product code", missing: notGiven),
    entry("item.quantity", .int, .itemQuantity, "수량", "quantity"),
    entry("item.price", .decimal, .itemPrice, "개당 가격 (판매가 + 옵션가)", "price of one piece, options included"),
    entry("item.status", .string, .itemStatus, "플랫폼의 원래 상태 코드 (N10 …)", "the platform's raw status code"),
    entry("item.live", .bool, .itemLive, "취소·반품되지 않음", "neither cancelled nor returned"),
    entry("item.gift", .bool, .itemGift, "사은품 행", "a gift line"),
    entry("item.voucher", .bool, .itemVoucher, "교환권 (배송 없음)", "a voucher, nothing to ship"),
    entry("item.has_tracking", .bool, .itemTracking, "송장번호가 있음", "it has a tracking number"),
    entry("item.categories", .stringList, .itemCategories, "상품 분류 목록", "categories of the product, as sent"),
    entry(
      "item.bundle_codes", .stringList, .itemBundleCodes, "세트 구성 상품의 상품 코드 목록",
      "of a bundle: product codes of its parts"),
    entry(
      "item.stock.after", .int, .itemStockAfter, "주문 수량을 뺀 재고", "last known stock less this order's quantity",
      missing: "the level is unknown or too old"),
    entry(
      "item.stock.safety", .int, .itemStockSafety, "안전 재고", "safety stock",
      missing: "the level is unknown or too old"),
  ]

  private static let lineEntries: [Entry] = [
    entry(
      "receiver.has_address", .bool, .receiverHasAddress, "주소가 입력됨",
      "the address is there (of a gift: entered)"),
    entry(
      "receiver.country", .string, .receiverCountry, "배송지 국가 코드", "country code, as sent", missing: notGiven),
    entry(
      "receiver.region", .string, .receiverRegion, "시·도 (주소의 첫 낱말)",
      "province or metropolitan city: first word of the address",
      missing: "the address is not there"),
    entry(
      "receiver.city", .string, .receiverCity, "시·군·구 (주소의 둘째 낱말)",
      "city, county or district: second word of the address",
      missing: "the address is not there"),
    entry(
      "receiver.zone", .string, .receiverZone, "배송지 권역 (제주, 도서산간, none)", "zone of the receiver",
      missing: "it has neither zip nor address"),
    entry(
      "claim.kind", .string, .claimKind, "클레임 종류", "kind of claim", missing: notGiven,
      values: ["cancel", "return", "exchange"]),
    entry(
      "claim.status", .string, .claimStatus, "클레임 처리 상태", "state of the claim", missing: notGiven,
      values: ["requested", "accepted", "completed", "refused", "withdrawn"]),
    entry("claim.completed", .bool, .claimCompleted, "처리 완료", "the claim is completed"),
    entry("claim.reason", .string, .claimReason, "플랫폼의 사유 코드", "the platform's letter", missing: notGiven),
    entry(
      "claim.customer_fault", .bool, .claimCustomerFault, "고객 귀책 (사유 A, E, F 또는 없음)",
      "by the customer's fault: reason A, E, F or none"),
    entry(
      "claim.requested_at", .timestamp, .claimRequestedAt, "신청 시각", "when it was asked for", missing: notGiven
    ),
    entry(
      "claim.completed_at", .timestamp, .claimCompletedAt, "완료 시각", "when it was completed",
      missing: "not completed, or not given"),
    entry("claim.refund", .decimal, .claimRefund, "환불 금액", "amount refunded", missing: notGiven),
    entry("claim.lines", .int, .claimLines, "클레임에 든 품목 행의 수", "item lines in the claim"),
    entry("claim.quantity", .int, .claimQuantity, "클레임에 든 수량의 합", "pieces in the claim"),
    entry("coupon.number", .string, .couponNumber, "쿠폰 번호", "number of the coupon", missing: notGiven),
    entry("coupon.type", .string, .couponType, "쿠폰 발급 유형", "issue type, as sent", missing: notGiven),
    entry(
      "heldCoupon.number", .string, .heldCouponNumber, "보유 쿠폰 번호", "number of the coupon", missing: noProfile),
    entry(
      "heldCoupon.type", .string, .heldCouponType, "보유 쿠폰 발급 유형", "issue type, as sent", missing: notGiven),
    entry(
      "heldCoupon.issued_at", .timestamp, .heldCouponIssuedAt, "발급 시각", "when it was issued",
      missing: notGiven),
    entry(
      "heldCoupon.expires_at", .timestamp, .heldCouponExpiresAt, "만료 시각",
      "from when on it is no longer held", missing: notGiven),
    entry(
      "cartLine.product_code", .string, .cartLineProductCode, "담은 상품 코드", "product code", missing: noProfile),
    entry("cartLine.sku", .string, .cartLineSku, "담은 품목 코드 (SKU)", "stock keeping unit", missing: notGiven),
    entry("cartLine.quantity", .int, .cartLineQuantity, "담은 수량", "quantity", missing: noProfile),
    entry(
      "cartLine.price", .decimal, .cartLinePrice, "담은 상품의 개당 가격 (판매가 + 옵션가)",
      "price of one piece, options included", missing: "the cart is in another currency"),
    entry(
      "cartLine.added_at", .timestamp, .cartLineAddedAt, "담은 시각", "when it was put in", missing: notGiven),
  ]

  /// Functions with their signatures, for messages and for the documentation.
  public static let functions: [(name: String, signature: String, korean: String)] = [
    ("history.returns", "history.returns(months) → int", "최근 N개월 고객 귀책 반품 완료 주문 수"),
    ("history.claims", "history.claims(months) → int", "최근 N개월 고객 귀책 반품·교환 완료 주문 수"),
    ("history.orders", "history.orders(window) → int", "그 기간의 이전 주문 수 (전체 취소 제외)"),
    ("history.amount", "history.amount(window) → decimal", "그 기간의 결제 완료 순 구매 금액 합계"),
    ("history.cancels", "history.cancels(window) → int", "그 기간의 이전 주문 가운데 전체 취소된 주문 수"),
    ("history.products", "history.products(window) → int", "그 기간에 산 상품 종류 수"),
    ("history.skus", "history.skus(window) → int", "그 기간에 산 SKU 종류 수"),
    ("history.quantity", "history.quantity(window) → int", "그 기간에 산 수량"),
    ("history.bought", "history.bought(\"CODE\", window) → int", "그 기간에 그 품목이나 상품을 산 주문 수"),
    (
      "history.bought_quantity", "history.bought_quantity(\"CODE\", window) → int",
      "그 기간에 산 그 품목이나 상품의 수량"
    ),
    (
      "history.last_bought_at", "history.last_bought_at(\"CODE\") → timestamp",
      "그 품목이나 상품을 마지막으로 산 주문의 시각"
    ),
    ("bundle.partners", "bundle.partners(duration(\"60m\")) → int", "bundle.partners와 같음"),
    (
      "duplicate.partners", "duplicate.partners(duration(\"10m\")) → int, 1m to 60m",
      "그 시간 안에 같은 곳으로 같은 품목을 같은 수량으로 낸 같은 고객의 다른 주문 수 (중복 주문 의심)"
    ),
    (
      "overdue",
      "overdue(\"unpaid\" | \"gift_address\" | \"unshipped\", duration(\"72h\")) → bool, 1m to 366d",
      "미입금·선물 배송지 미입력·미출고 상태가 그 시간만큼 이어짐"
    ),
    (
      "overdue", "overdue(\"purchase\", duration(\"60d\")) → bool, 1m to 366d",
      "고객의 마지막 구매이고 그 뒤 그 시간만큼 구매가 없음"
    ),
    (
      "overdue", "overdue(\"purchase\", \"CODE\", duration(\"90d\")) → bool, 1m to 366d",
      "고객이 그 품목이나 상품을 마지막으로 산 주문이고 그 뒤 그 시간만큼 사지 않음"
    ),
    (
      "overdue", "overdue(\"cart\", duration(\"24h\")) → bool, 1m to 366d",
      "고객의 마지막 구매이고 장바구니에 그 시간만큼 담긴 채 사지 않은 상품이 있음"
    ),
    (
      "overdue", "overdue(\"cart\", \"CODE\", duration(\"72h\")) → bool, 1m to 366d",
      "고객의 마지막 구매이고 그 품목이나 상품이 장바구니에 그 시간만큼 담긴 채 사지 않음"
    ),
    (
      "expiring", "expiring(\"coupon\", duration(\"24h\")) → bool, 1m to 366d",
      "고객의 마지막 구매이고 그 시간 안에 만료되는 보유 쿠폰이 있음"
    ),
    ("inList", "inList(\"name\") → bool; i.inList(\"name\") for one item", "상품 목록에 든 품목이 있음"),
    ("inSegment", "inSegment(\"name\") → bool", "고객이 세그먼트에 듦 (규칙 파일의 segments)"),
    ("timeOfDay", "timeOfDay(timestamp) → time of day", "쇼핑몰 시간대의 시각"),
    ("timeBetween", "timeBetween(timestamp, \"22:00\", \"05:00\") → bool", "시각이 [시작, 끝) 안에 있음, 자정을 넘어도 됨"),
    ("hour", "hour(timestamp) → int 0–23", "시"),
    ("date", "date(timestamp) → date", "쇼핑몰 시간대의 날짜"),
    ("dayOfWeek", "dayOfWeek(timestamp) → int, 0 = Sunday … 6 = Saturday", "요일"),
    ("isHoliday", "isHoliday(order.placed_at | order.paid_or_placed_at) → bool", "공휴일 표에 있는 날"),
    ("isMissing", "isMissing(fact) → bool", "값이 없음"),
    ("has", "has(fact) → bool", "값이 있음"),
    ("duration", "duration(\"1h30m\") → duration", "기간"),
    ("timestamp", "timestamp(\"2026-10-10T09:30:00+09:00\") → timestamp", "시점"),
    ("exists", "items.exists(i, condition) → bool", "조건에 맞는 것이 있음"),
    ("all", "items.all(i, condition) → bool", "모두 조건에 맞음"),
    ("exists_one", "items.exists_one(i, condition) → bool", "조건에 맞는 것이 꼭 하나 있음"),
    ("filter", "items.filter(i, condition)", "조건에 맞는 것만"),
    ("map", "items.map(i, value), items.map(i, condition, value)", "각각의 값"),
    ("sum", "sum(items.map(i, number)) → int, decimal or duration", "합"),
    ("min", "min(items.map(i, number)) → as the number", "가장 작은 값, 없으면 모름"),
    ("max", "max(items.map(i, number)) → as the number", "가장 큰 값, 없으면 모름"),
    ("count", "count(items) → int, as size(items)", "개수"),
    ("startsWith", "text.startsWith(\"…\") → bool", "…로 시작"),
    ("endsWith", "text.endsWith(\"…\") → bool", "…로 끝남"),
    ("contains", "text.contains(\"…\") → bool", "…를 포함"),
    ("matches", "text.matches(\"…\") → bool", "정규 표현식(RE2)에 맞는 부분이 있음"),
    ("size", "size(text) → int; size(list) → int; size(items) → int", "글자 수, 목록의 개수"),
    ("addMonths", "addMonths(timestamp, months) → timestamp", "N개월 뒤(음수는 앞)의 같은 날 같은 시각, 없는 날은 말일"),
    ("getFullYear", "timestamp.getFullYear() → int", "연도"),
    ("getMonth", "timestamp.getMonth() → int, 0 = January", "월 (1월이 0)"),
    ("getDate", "timestamp.getDate() → int 1–31", "일 (1부터)"),
    ("getDayOfMonth", "timestamp.getDayOfMonth() → int 0–30", "일 (0부터)"),
    ("getDayOfWeek", "timestamp.getDayOfWeek() → int, 0 = Sunday … 6 = Saturday", "요일"),
    ("getDayOfYear", "timestamp.getDayOfYear() → int 0–365", "그해의 몇째 날 (0부터)"),
    ("getHours", "timestamp.getHours() → int 0–23", "시"),
    ("getMinutes", "timestamp.getMinutes() → int 0–59", "분"),
    ("getSeconds", "timestamp.getSeconds() → int 0–59", "초"),
  ]
}
