import Orders
import Store

extension LocalShop {
  static let migrations = [
    """
    CREATE TABLE orders(
      mall TEXT NOT NULL, shop INTEGER NOT NULL, order_id TEXT NOT NULL, placed_at_us INTEGER NOT NULL,
      buyer_masked TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, state TEXT NOT NULL,
      PRIMARY KEY(mall, shop, order_id)) WITHOUT ROWID;
    CREATE INDEX orders_by_time ON orders(mall, placed_at_us);
    CREATE TABLE labels(
      mall TEXT NOT NULL, shop INTEGER NOT NULL, order_id TEXT NOT NULL, labels TEXT NOT NULL,
      PRIMARY KEY(mall, shop, order_id)) WITHOUT ROWID;
    CREATE TABLE alerts(
      idempotency_key TEXT PRIMARY KEY NOT NULL, mall TEXT NOT NULL, shop INTEGER NOT NULL,
      order_id TEXT NOT NULL, rule TEXT NOT NULL, cause TEXT NOT NULL, text TEXT NOT NULL,
      at_us INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX alerts_by_order ON alerts(mall, shop, order_id);
    CREATE TABLE marks(
      mall TEXT NOT NULL, shop INTEGER NOT NULL, order_id TEXT NOT NULL, kind TEXT NOT NULL, rule TEXT NOT NULL,
      cause TEXT NOT NULL, is_set INTEGER NOT NULL, at_us INTEGER NOT NULL,
      PRIMARY KEY(mall, shop, order_id, kind, rule, cause)) WITHOUT ROWID;
    """,
    """
    ALTER TABLE alerts ADD COLUMN channel TEXT NOT NULL DEFAULT '';
    ALTER TABLE marks ADD COLUMN text TEXT NOT NULL DEFAULT '';
    ALTER TABLE marks ADD COLUMN team TEXT NOT NULL DEFAULT '';
    """,
  ]
}

/// The SQL of a `LocalShop`, prepared once.
struct LocalShopStatements {
  private let dataVersion: Statement
  private let getLabels: Statement
  private let putLabels: Statement
  private let getAlert: Statement
  private let putAlert: Statement
  private let getMark: Statement
  private let putMark: Statement
  private let putOrder: Statement
  private let listOrders: Statement
  private let listAlerts: Statement
  private let listMarks: Statement

  init(_ connection: Connection) throws {
    dataVersion = try connection.prepare("PRAGMA data_version")
    getLabels = try connection.prepare(
      "SELECT labels FROM labels WHERE mall = ?1 AND shop = ?2 AND order_id = ?3")
    putLabels = try connection.prepare(
      "INSERT INTO labels VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET labels = excluded.labels")
    getAlert = try connection.prepare("SELECT 1 FROM alerts WHERE idempotency_key = ?1")
    putAlert = try connection.prepare(
      "INSERT OR IGNORE INTO alerts VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
    getMark = try connection.prepare(
      """
      SELECT is_set FROM marks
      WHERE mall = ?1 AND shop = ?2 AND order_id = ?3 AND kind = ?4 AND rule = ?5 AND cause = ?6
      """)
    putMark = try connection.prepare(
      """
      INSERT INTO marks VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
      ON CONFLICT DO UPDATE SET is_set = excluded.is_set, at_us = excluded.at_us, text = excluded.text,
        team = excluded.team
      """)
    putOrder = try connection.prepare("INSERT OR REPLACE INTO orders VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
    listOrders = try connection.prepare(
      """
      SELECT shop, order_id, placed_at_us, buyer_masked, amount, currency, state FROM orders
      WHERE mall = ?1 ORDER BY placed_at_us DESC, order_id DESC LIMIT ?2
      """)
    listAlerts = try connection.prepare(
      """
      SELECT idempotency_key, rule, cause, text, at_us, channel FROM alerts
      WHERE mall = ?1 AND shop = ?2 AND order_id = ?3 ORDER BY at_us, idempotency_key
      """)
    listMarks = try connection.prepare(
      """
      SELECT kind, rule, text, team FROM marks WHERE mall = ?1 AND shop = ?2 AND order_id = ?3 AND is_set = 1
      ORDER BY kind, rule
      """)
  }

  private func bind(_ statement: Statement, _ order: OrderIdentity, from parameter: Int32 = 1) throws {
    try statement.bind(parameter, order.mallId)
    try statement.bind(parameter + 1, Int64(order.shopNo))
    try statement.bind(parameter + 2, order.orderId)
  }

  /// Changes whenever another connection has written.
  func readDataVersion() throws -> Int64 {
    defer { dataVersion.reset() }
    return try dataVersion.step() ? dataVersion.integer(0) : 0
  }

  func labels(_ order: OrderIdentity) throws -> OrderLabels {
    defer { getLabels.reset() }
    try bind(getLabels, order)
    return try getLabels.step() ? OrderLabels(stored: getLabels.bytes(0)) : OrderLabels()
  }

  func storeLabels(_ order: OrderIdentity, _ text: [UInt8]) throws {
    try bind(putLabels, order)
    try text.withUnsafeBytes {
      try putLabels.bindBorrowedText(4, $0)
      try putLabels.run()
    }
  }

  func hasAlert(_ key: String) throws -> Bool {
    defer { getAlert.reset() }
    try getAlert.bind(1, key)
    return try getAlert.step()
  }

  func store(_ alert: ShopAlert) throws {
    try putAlert.bind(1, alert.idempotencyKey)
    try bind(putAlert, alert.order, from: 2)
    try putAlert.bind(5, alert.rule)
    try putAlert.bind(6, alert.cause)
    try putAlert.bind(7, alert.text)
    try putAlert.bind(8, alert.at.microseconds)
    try putAlert.bind(9, alert.channel)
    try putAlert.run()
  }

  func isMarked(_ key: LocalShop.MarkKey) throws -> Bool {
    defer { getMark.reset() }
    try bind(getMark, key.order)
    try getMark.bind(4, key.kind)
    try getMark.bind(5, key.rule)
    try getMark.bind(6, key.cause)
    return try getMark.step() && getMark.integer(0) != 0
  }

  func store(_ mark: ShopMark) throws {
    try bind(putMark, mark.order)
    try putMark.bind(4, mark.kind)
    try putMark.bind(5, mark.rule)
    try putMark.bind(6, mark.cause)
    try putMark.bind(7, mark.isSet ? 1 : 0)
    try putMark.bind(8, mark.at.microseconds)
    try putMark.bind(9, mark.text)
    try putMark.bind(10, mark.team)
    try putMark.run()
  }

  func store(_ display: OrderDisplay) throws {
    try bind(putOrder, display.order)
    try putOrder.bind(4, display.placedAt.microseconds)
    try putOrder.bind(5, display.buyerMasked)
    try putOrder.bind(6, display.amount)
    try putOrder.bind(7, display.currency)
    try putOrder.bind(8, display.state)
    try putOrder.run()
  }

  func recentOrders(mallId: String, limit: Int) throws -> [OrderDisplay] {
    defer { listOrders.reset() }
    try listOrders.bind(1, mallId)
    try listOrders.bind(2, Int64(max(limit, 0)))
    var found: [OrderDisplay] = []
    while try listOrders.step() {
      let order = OrderIdentity(
        mallId: mallId, shopNo: Int32(clamping: listOrders.integer(0)), orderId: listOrders.text(1))
      found.append(
        OrderDisplay(
          order: order, placedAt: Instant(microseconds: listOrders.integer(2)),
          buyerMasked: listOrders.text(3),
          amount: listOrders.integer(4), currency: listOrders.text(5), state: listOrders.text(6)))
    }
    return found
  }

  func alerts(_ order: OrderIdentity) throws -> [ShopAlert] {
    defer { listAlerts.reset() }
    try bind(listAlerts, order)
    var found: [ShopAlert] = []
    while try listAlerts.step() {
      found.append(
        ShopAlert(
          order: order, idempotencyKey: listAlerts.text(0), rule: listAlerts.text(1),
          cause: listAlerts.text(2),
          text: listAlerts.text(3), channel: listAlerts.text(5),
          at: Instant(microseconds: listAlerts.integer(4))))
    }
    return found
  }

  func marksSet(_ order: OrderIdentity) throws -> [SetMark] {
    defer { listMarks.reset() }
    try bind(listMarks, order)
    var found: [SetMark] = []
    while try listMarks.step() {
      found.append(
        SetMark(
          kind: listMarks.text(0), rule: listMarks.text(1), text: listMarks.text(2), team: listMarks.text(3)))
    }
    return found
  }
}
