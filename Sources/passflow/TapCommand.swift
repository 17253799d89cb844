import Kafka
import Pipeline
import Stage

enum TapCommand {
  static let parser = CommandLineParser(
    [
      CommandOption("order", value: "ID", "only records of this order"),
      CommandOption("limit", value: "N", "at most so many records"),
      CommandOption("out", value: "FILE", "where the lines go (standard output)"),
    ] + BrokerOptions.all, positionalsMax: 1)

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "tap TOPIC",
      about: "Shows the records of a topic as JSON lines, without personal data.")
    guard let parsed else { return code }
    guard let topic = parsed.positionals.first else {
      let names = TopicPlans.all(partitions: 1, replication: -1).map(\.name)
      StandardStream.error.write(
        "passflow tap: which topic? One of \(names.joined(separator: ", "))\n")
      return .usage
    }
    return guarded("tap") {
      let broker = try BrokerOptions.access(parsed)
      var selection = TopicTap.Selection()
      selection.orderId = parsed.value("order")
      if parsed.value("limit") != nil {
        selection.limit = try BrokerOptions.number(parsed, "limit", 1...1_000_000_000, 1)
      }
      var tap = TopicTap(broker: broker, topic: topic, selection: selection)
      _ = try tap.run(to: parsed.value("out") ?? "/dev/stdout")
      return .success
    }
  }
}
