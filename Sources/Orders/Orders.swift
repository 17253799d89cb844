/// Orders: the values that every stage speaks of: identities, times, money, the canonical order snapshot.
///
/// Promises: values in, values out. No clock, no randomness, no I/O, no globals that change.
/// Never holds a buyer's name, phone, e-mail or detail address: ingest reduces those to digests before an
/// order becomes one of these values (D29).
