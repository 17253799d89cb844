import Orders
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
    readDefinitions(root, "conditions") { name in
      NamedConditions.isName(name)
        ? nil : "a condition is named by letters, digits and _, not beginning with a digit"
    } key: {
      $0
    }
    readDefinitions(root, "segments") { name in
      let isName = !name.isEmpty && name.utf8.count <= NamedConditions.segmentBytesMax
      return isName ? nil : "a segment's name has 1 to \(NamedConditions.segmentBytesMax) bytes"
    } key: {
      NamedConditions.segmentKey($0)
    }
  }

  /// `problem`: what is wrong with a name; nil when nothing.
  private mutating func readDefinitions(
    _ root: YAMLNode, _ section: String, problem: (String) -> String?, key: (String) -> String
  ) {
    guard let node = root[section] else { return }
    let word = section.dropLast()
    if root["mall"] != nil {
      report(
        node.location, "\(section == "segments" ? section : "named conditions") are those of all malls",
        hint: "put them in a file without mall:")
      return
    }
    guard case .mapping(let mapping) = node.content else {
      report(node.location, "expected \(section) by name, found \(node.kindName)")
      return
    }
    for entry in mapping.entries {
      guard conditions.count < NamedConditions.countMax else {
        report(entry.keyLocation, "more than \(NamedConditions.countMax) named conditions")
        return
      }
      if let problem = problem(entry.key) {
        report(entry.keyLocation, problem)
        continue
      }
      let name = key(entry.key)
      if conditions.isDefined(name) {
        report(entry.keyLocation, "the \(word) is there already: \(entry.key)")
        continue
      }
      guard let source = sourceText(entry.value), let expression = parse(source) else {
        conditions.define(name, nil, nil)
        continue
      }
      conditions.define(name, expression, source)
    }
  }

  /// Resolves the conditions among themselves and checks each, so that a slip is told once, where it stands.
  mutating func finishConditions() {
    for (problem, source) in conditions.resolve() { report([problem], in: source) }
    for (name, expression, source) in conditions.resolved {
      let itemVariable = NamedConditions.speaksOfItem(expression) ? "item" : nil
      switch Checker.check(expression, itemVariable: itemVariable) {
      case .success(let typed) where NamedConditions.isSegmentKey(name):
        var references: Set<FactReference> = []
        typed.collectReferences(into: &references)
        let others = references.filter { !NamedConditions.isOfCustomer($0) }.map(\.name).sorted(
          by: bytesPrecede)
        guard let other = others.first else { continue }
        let problem = Problem(
          offset: 0, message: "a segment speaks of the customer alone, not of \(other)",
          hint: "history.… and grade")
        report([problem], in: source)
        conditions.poison(name)
      case .success: break
      case .failure(let problems):
        // A slip inside another condition is told there.
        if !conditions.usesOthers(name) { report(problems.list, in: source) }
        conditions.poison(name)
      }
    }
  }
}
