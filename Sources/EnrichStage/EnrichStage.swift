/// EnrichStage: joins each order snapshot with its customer's history as of that order, and re-emits the orders
/// whose facts an event has changed.
///
/// Promises: every snapshot that enters leaves as one `EnrichedOrder` (siblings whose facts changed besides), or as a
/// dead letter; equal inputs give equal bytes; memory is bounded by the cache's limit.
/// Never does: decide anything, talk to the shop.
