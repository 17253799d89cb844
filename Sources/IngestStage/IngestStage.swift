/// IngestStage: takes order notifications in, checks and reduces them, and answers only once the broker has them.
///
/// Promises: a 2xx means that Kafka acknowledged the record (all replicas); what is refused becomes a dead letter
/// with its sealed bytes and is answered with every problem at once; one bad order never delays the others.
/// Never does: hold history, look into rules, log or keep personal data.
