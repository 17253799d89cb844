/// History: what a customer's orders say about each other, and what reference data say about one order.
///
/// A `CustomerHistory` holds every dated state of one customer's orders. A `HistoryFolder` folds an order snapshot
/// into it and hands back `EnrichedOrder` records: the order itself always, its siblings when their facts changed.
/// `ReferenceData` answers for zones, lists, stock, holidays and the country of an address.
///
/// Promises: no clock, no randomness, no I/O. What was last emitted for an order depends on the set of snapshots
/// folded and on the reference data, never on the order in which the snapshots arrived (facts.md, "The fold"), with
/// one exception: the deciding instant of an *open* order is that of its last emission. Bytes from outside and from
/// the store can be refused, with a reason, but never stop the process.
/// Never does: read files, know Kafka or rules, keep an IP address, a name, a phone number or a member id.
