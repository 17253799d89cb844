/// ReferenceEditions: reference data that was imported through topic `reference`, and which of it is in force.
///
/// Promises: a function of the topic; an edition is what its hash says, or it is refused.
/// Never does: decide where an edition takes effect (enrich's records on `orders` do), read the files of a
/// configuration.
