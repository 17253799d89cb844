/// EvaluateStage: runs every rule over micro-batches of enriched orders, by columns, and emits one decision each.
///
/// Promises: a decision is a pure function of the enriched record and the rule set: the same bytes in give the same
/// bytes out, on any consumer, live or replayed (D3). Keeps no state.
/// Never does: read a clock, talk to anything but Kafka.
