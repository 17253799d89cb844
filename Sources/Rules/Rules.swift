/// Rules: what a merchant writes, and what it means for each order.
///
/// A condition is text in a typed subset of CEL (`Expression`, parsed by `Parser`, printed back by
/// `Expression.description`). `Checker` gives it types against the `FactCatalog` and reports every problem at
/// once. Rule files and templates (YAML) become a `RuleSet`; a `Plan` compiles the sets of any number of malls
/// into one graph in which equal predicates exist once. Facts arrive as columns in a `FactBatch`; an `Evaluator`
/// runs the plan over it, 64 rows at a time, and `ScalarEvaluator` answers the same questions for one row, by
/// other code, for `Explanation`.
///
/// Promises: values in, values out; three-valued logic throughout (true, false, unknown); no allocation per order
/// while a plan runs; no input text, YAML or fact value can stop the process.
/// Never does: no I/O, no clock, no randomness, no floating point, no personal data.
/// Every loop over rows in the product lives in this target.
