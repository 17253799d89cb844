/// An activation that a look for the newest rules passed over.
package struct RefusedActivation: Sendable {
  package var scope: RegistryScope
  package var activation: RuleRegistry.Activation
  package var refusal: RuleCatalogue.Refusal
}

extension RuleEdition {
  /// The newest rules that can be used, and what was passed over.
  package static func newest(_ registry: RuleRegistry, _ catalogue: RuleCatalogue)
    -> (edition: RuleEdition, refused: [RefusedActivation])
  {
    var refused: [RefusedActivation] = []
    let edition = newest(registry, catalogue) {
      refused.append(RefusedActivation(scope: $0, activation: $1, refusal: $2))
    }
    return (edition, refused)
  }
}
