/// Shop: what PassFlow does to a shop, and the shop platforms that it can do it to.
///
/// - `ShopSink` is what the apply stage asks of any platform: put labels on items and take them off, read them
///   back, deliver an alert, set and clear a mark. Every call may be repeated: it then answers `already`.
/// - `LocalShop` is a shop in one SQLite file: the order screen of a trial run, of the demonstration and of tests.
///
/// Promises: what a person put on an order is never taken off and never taken for ours. No personal data: names
/// are masked before they come here (`Masking`), texts of alerts hold none.
