/// # Kafka
///
/// Swift over librdkafka 2.0.2 (or newer): reading in batches that lend their bytes, writing at once with
/// batches clocked by acknowledgements, writing in transactions, administration, and a broker of our own
/// in this process for trials.
///
/// What it promises:
/// - No callback of librdkafka's reaches Swift: everything arrives as an event on a queue that one thread
///   of ours polls. A ``Consumer`` belongs to one thread; ``Producer`` and ``TransactionalProducer`` have a
///   thread of their own that takes the delivery reports.
/// - A record is lost by no error: ``Producer`` opens itself anew and repeats, in order, what was not
///   acknowledged. Repeats are allowed, gaps and reordering are not.
/// - Everything that grows has a limit with a name (`…Max`).
///
/// What it never does: look into a record, pause or resume partitions (librdkafka 2.0.2 loses or repeats
/// records then), consume through the batch calls (they skip records), commit offsets by itself, or print
/// a secret.
