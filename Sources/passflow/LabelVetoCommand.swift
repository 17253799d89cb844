import Files
import Orders
import Pipeline
import Stage
import Topics

/// `passflow labels veto list|lift`: labels of ours that people took off, and the act that lets rules put one on again.
enum LabelVetoCommand {
  private static let parser = CommandLineParser(
    [
      CommandOption("mall", value: "ID", "the mall"),
      CommandOption("shop", value: "NUMBER", "lift: the shop of the mall (1)"),
      CommandOption("order", value: "ID", "the order"),
      CommandOption("label", value: "NAME", "lift: the label"),
      CommandOption("rule", value: "ID", "lift: only this rule may put it on again"),
      CommandOption("author", value: "NAME", "lift: who does it; without it the environment's USER"),
      CommandOption("note", value: "TEXT", "lift: why; never personal data"),
    ] + BrokerOptions.all, positionalsMax: 1)

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "labels veto list|lift",
      about: """
        Lists the labels that people took off, or lets rules put one on again: apply does it in its turn among the
        decisions, and topic actions says who and why.
        """)
    guard let parsed else { return code }
    return guarded("labels veto") {
      switch parsed.positionals.first {
      case "list": return try list(parsed)
      case "lift": return try lift(parsed)
      default: throw UserError("say 'labels veto list' or 'labels veto lift'")
      }
    }
  }

  private static func list(_ parsed: CommandArguments) throws -> ExitCode {
    let desk = VetoDesk(try BrokerOptions.access(parsed))
    let entries = try desk.list(mall: parsed.value("mall"), order: parsed.value("order"))
    for entry in entries {
      let items = entry.veto.itemCodes.isEmpty ? "all items" : entry.veto.itemCodes.joined(separator: " ")
      StandardStream.output.write(
        "\(entry.order.mallId)/\(entry.order.shopNo) \(entry.order.orderId)  \(entry.veto.label)"
          + "  rules \(entry.veto.rules.joined(separator: " "))  \(items)\n")
    }
    StandardStream.output.write("\(entries.count) vetoes\n")
    return .success
  }

  private static func lift(_ parsed: CommandArguments) throws -> ExitCode {
    func needed(_ name: String) throws -> String {
      guard let value = parsed.value(name), !value.isEmpty else {
        throw UserError("option missing: --\(name)")
      }
      return value
    }
    let order = OrderIdentity(
      mallId: try needed("mall"),
      shopNo: Int32(clamping: try BrokerOptions.number(parsed, "shop", 1...Int(Int32.max), 1)),
      orderId: try needed("order"))
    var lift = VetoLiftValue()
    lift.label = try needed("label")
    lift.rule = parsed.value("rule") ?? ""
    lift.note = parsed.value("note") ?? ""
    if let problem = VetoDesk.problem(ofNote: lift.note) { throw UserError(problem) }
    lift.by = parsed.value("author") ?? ProcessEnvironment.current()["USER"] ?? ""
    guard !lift.by.isEmpty else { throw UserError("who does it? Give --author") }
    lift.at = Instant(microseconds: wallClockUs())
    let partition = try VetoDesk(try BrokerOptions.access(parsed)).lift(lift, of: order)
    StandardStream.output.write(
      "written to partition \(partition) of the decisions: apply puts \(lift.label) on again as far as the rules ask for it\n"
    )
    return .success
  }
}
