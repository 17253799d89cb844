/// YAML: configuration and rule files as nodes that know where they stand.
///
/// A document is read whole (4 MiB at most) through libyaml's event interface and becomes a tree of
/// `YAMLNode`: scalars with their spelling (plain or quoted), sequences, and mappings in the order of
/// the file. Every node and every key carries file, line and column, 1-based, so that whoever reads
/// it can point at the place that is wrong.
///
/// It promises: one document a file, keys that are text and stand once in their mapping, no anchors,
/// aliases or tags (nothing can grow beyond what was written), nesting of 64 levels, and an error with
/// line and column for everything else. No error text contains a value of the file.
///
/// It never writes YAML and never guesses: `yes` is text, `01` is text until somebody asks for a number.
