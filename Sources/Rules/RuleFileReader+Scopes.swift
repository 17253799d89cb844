import YAML

/// Whose a file is, and the conditions it names for all.
extension RuleFileReader {
  /// The mall or shop a file speaks of; `.some(nil)`: of all; nil: that is not clear, and reported.
  mutating func readScope(_ root: YAMLNode) -> RuleScope?? {
    guard let mallNode = root["mall"] else {
      if let shop = root["shop"] {
        report(shop.location, "a shop is one of a mall", hint: "write mall: as well")
        return nil
      }
      return .some(nil)
    }
    guard allowsScopes else {
      report(mallNode.location, "rules of one mall do not stand among those of all malls")
      return nil
    }
    guard let mall = text(mallNode) else { return nil }
    guard !mall.isEmpty, mall.utf8.count <= RuleFileReader.mallBytesMax else {
      report(mallNode.location, "a mall has a name of 1 to \(RuleFileReader.mallBytesMax) bytes")
      return nil
    }
    guard let shopNode = root["shop"] else { return RuleScope(mall: mall) }
    guard let shop = try? shopNode.asInt() else {
      report(shopNode.location, "expected the number of a shop, found \(shopNode.kindName)")
      return nil
    }
    return RuleScope(mall: mall, shop: shop)
  }

  static let mallBytesMax = 100

  mutating func readConditions(_ root: YAMLNode) {
    guard let node = root["conditions"] else { return }
    if root["mall"] != nil {
      report(
        node.location, "named conditions are those of all malls", hint: "put them in a file without mall:")
      return
    }
    guard case .mapping(let mapping) = node.content else {
      report(node.location, "expected conditions by name, found \(node.kindName)")
      return
    }
    for entry in mapping.entries {
      guard conditions.count < NamedConditions.countMax else {
        report(entry.keyLocation, "more than \(NamedConditions.countMax) named conditions")
        return
      }
      guard NamedConditions.isName(entry.key) else {
        report(entry.keyLocation, "a condition is named by letters, digits and _, not beginning with a digit")
        continue
      }
      if conditions.isDefined(entry.key) {
        report(entry.keyLocation, "the condition is there already: \(entry.key)")
        continue
      }
      guard let source = sourceText(entry.value), let expression = parse(source) else {
        conditions.define(entry.key, nil, nil)
        continue
      }
      conditions.define(entry.key, expression, source)
    }
  }

  /// Resolves the conditions among themselves and checks each, so that a slip is told once, where it stands.
  mutating func finishConditions() {
    for (problem, source) in conditions.resolve() { report([problem], in: source) }
    for (name, expression, source) in conditions.resolved {
      let itemVariable = NamedConditions.speaksOfItem(expression) ? "item" : nil
      if case .failure(let problems) = Checker.check(expression, itemVariable: itemVariable) {
        // A slip inside another condition is told there.
        if !conditions.usesOthers(name) { report(problems.list, in: source) }
        conditions.poison(name)
      }
    }
  }
}
