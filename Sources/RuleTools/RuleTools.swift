/// RuleTools: what stands around the rules for the people who write them: lint, test, explain, new and fmt.
///
/// Promises: orders are decided by the very cores of the stages, in memory; what is printed names no personal data;
/// the same input gives the same text. A finding of lint says what is certainly so, never what only may be.
/// Never does: write to a broker or a shop.
