public import YAML

/// A check over several keys. It runs only when all of them are right by themselves.
public struct ConfigurationRelation: Sendable {
  let keys: [ConfigurationKey]
  let check: @Sendable (ConfigurationValues) -> [ConfigurationProblem]

  public init(
    _ keys: [ConfigurationKey], check: @escaping @Sendable (ConfigurationValues) -> [ConfigurationProblem]
  ) {
    self.keys = keys
    self.check = check
  }
}

/// The keys of one stage, in the order of its file.
public struct ConfigurationSchema: Sendable {
  public let stage: String
  public let keys: [ConfigurationKey]
  public let relations: [ConfigurationRelation]

  public init(stage: String, keys: [ConfigurationKey], relations: [ConfigurationRelation] = []) {
    self.stage = stage
    self.keys = keys
    self.relations = relations
  }

  /// Sections in the order of their first key.
  var sections: [String] {
    var seen: Set<String> = []
    return keys.map(\.section).filter { seen.insert($0).inserted }
  }

  /// Default, then file, then environment; all problems at once.
  public func load(file root: YAMLNode?, environment: [String: String])
    -> (values: ConfigurationValues, problems: [ConfigurationProblem])
  {
    var reading = ConfigurationReading(schema: self)
    if let root { reading.read(root) }
    reading.read(environment)
    return (reading.values, reading.finish())
  }
}

/// One reading of file and environment against a schema.
struct ConfigurationReading {
  let schema: ConfigurationSchema
  private(set) var values = ConfigurationValues()
  private var problems: [ConfigurationProblem] = []
  private var wrong: Set<String> = []

  init(schema: ConfigurationSchema) { self.schema = schema }

  mutating func finish() -> [ConfigurationProblem] {
    for relation in schema.relations where !relation.keys.contains(where: { wrong.contains($0.path) }) {
      problems += relation.check(values)
    }
    return problems
  }

  mutating func read(_ root: YAMLNode) {
    if root.isNull { return }
    guard case .mapping(let sections) = root.content else {
      problems.append(
        .init(path: "(file)", source: "\(root.location)", message: "must be a mapping of sections"))
      return
    }
    for section in sections.entries {
      guard schema.sections.contains(section.key) else {
        problems.append(unknown(section.key, at: "\(section.keyLocation)", among: schema.sections, "section"))
        continue
      }
      if section.value.isNull { continue }
      guard case .mapping(let entries) = section.value.content else {
        problems.append(
          .init(
            path: section.key, source: "\(section.value.location)", message: "must be a mapping of keys"))
        continue
      }
      for entry in entries.entries { read(entry, in: section.key) }
    }
  }

  private mutating func read(_ entry: YAMLEntry, in section: String) {
    let path = "\(section).\(entry.key)"
    guard let key = schema.keys.first(where: { $0.path == path }) else {
      problems.append(unknown(path, at: "\(entry.keyLocation)", among: schema.keys.map(\.path), "key"))
      return
    }
    if entry.value.isNull { return }
    let place = "\(entry.value.location)"
    guard let value = ConfigurationForm.value(entry.value, key.form) else {
      return refuse(key, at: place, shown: ConfigurationForm.shown(entry.value))
    }
    accept(key, value, from: .file(place))
  }

  mutating func read(_ environment: [String: String]) {
    for key in schema.keys {
      guard let text = environment[key.environmentName] else { continue }
      guard let value = ConfigurationForm.value(text, key.form) else {
        refuse(key, at: key.environmentName, shown: text)
        continue
      }
      accept(key, value, from: .environment(key.environmentName))
    }
    let known = schema.keys.map(\.environmentName)
    let prefixes = schema.sections.map { ConfigurationKey.environmentPrefix + $0.uppercased() + "_" }
    for name in environment.keys.sorted()
    where prefixes.contains(where: { name.hasPrefix($0) }) && !known.contains(name) {
      problems.append(unknown(name, at: "environment", among: known, "key"))
    }
  }

  /// Also checks the range: the form said only what kind of thing it is.
  private mutating func accept(
    _ key: ConfigurationKey, _ value: ConfigurationValue, from source: ConfigurationValues.Source
  ) {
    guard ConfigurationForm.isAllowed(value, key.form) else {
      return refuse(key, at: source.text, shown: ConfigurationPrinter.inline(value))
    }
    wrong.remove(key.path)
    values.set(key, value, from: source)
  }

  private mutating func refuse(_ key: ConfigurationKey, at source: String?, shown: String?) {
    wrong.insert(key.path)
    var hint: String?
    if case .choice(let choices) = key.form, let shown {
      hint = Suggestion.nearest(to: shown, among: choices).map { "did you mean \($0)?" }
    }
    problems.append(
      .init(
        path: key.path, source: source, message: "has a value that is not allowed",
        value: key.isSecret ? nil : shown, allowed: key.allowed, hint: hint))
  }

  private func unknown(_ name: String, at source: String, among names: [String], _ what: String)
    -> ConfigurationProblem
  {
    let hint = Suggestion.nearest(to: name, among: names).map { "did you mean \($0)?" }
    return .init(
      path: name, source: source, message: "is no \(what) of passflow-\(schema.stage)",
      hint: hint ?? "passflow-\(schema.stage) --print-config lists them all")
  }
}
