/// RuleVersions: published rule versions, which of them are in force at a position of topic `rules`, and which facts
/// they ask for.
///
/// Promises: a function of the topic up to that position: enrich, evaluate and the operator's tool read the same
/// (docs/design.md, "Rule versions").
/// Never does: decide an order, write to a topic.
