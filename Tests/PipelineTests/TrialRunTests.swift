import Files
import TestKit
import Testing

@testable import Pipeline

/// `passflow run` without its command line, over the scenarios' orders.
@Suite(.serialized)
struct TrialRunTests {
  private final class Folder {
    let path: String
    init() { path = TemporaryFolder.make("run") }
    deinit { TemporaryFolder.remove(path) }
    func write(_ name: String, _ text: String) -> String {
      let file = "\(path)/\(name)"
      TemporaryFolder.write(file, Array(text.utf8))
      return file
    }
    func text(_ name: String) -> String {
      String(decoding: Files.read("\(path)/\(name)") ?? [], as: UTF8.self)
    }
  }

  private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
  private static let fixtures = root + "/Tests/ScenarioTests/Fixtures"
  private static let scenarios = [
    "bundle-chain-middle-shipped", "cancel-keeps-risk-withdraws-the-rest", "gift-pending-then-entered",
    "island-decoys", "ship-then-address-change", "stale-and-duplicate-snapshots", "stock-boundary",
  ]

  /// Orders of several scenarios, each in a mall of its own, and the labels that they give together.
  private static func orders() -> (lines: [String], labels: [String]) {
    var lines: [String] = []
    var labels: [String] = []
    for (number, name) in scenarios.enumerated() {
      func read(_ file: String) -> [String] {
        let text = String(decoding: Files.read("\(fixtures)/\(name)/\(file)") ?? [], as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
      }
      lines += read("orders.ndjson").map {
        $0.replacing("\"mall_id\":\"demomall\"", with: "\"mall_id\":\"mall\(number)\"")
      }
      labels += read("expected.csv").dropFirst().map { $0.replacing("demomall,", with: "mall\(number),") }
    }
    return (lines, labels)
  }

  private func settings(_ folder: Folder, _ text: String, out: String = "out", partitions: Int = 2)
    -> TrialRunSettings
  {
    var settings = TrialRunSettings(orders: folder.write("orders.ndjson", text), out: folder.path + "/" + out)
    settings.rules = [Self.root + "/config/templates", Self.root + "/config/rules"]
    settings.reference = Self.fixtures + "/reference"
    settings.showsProgress = false
    settings.partitions = partitions
    return settings
  }

  @Test func theOutputsAreWhatTheOrdersGive() throws {
    let folder = Folder()
    let (lines, labels) = Self.orders()
    let text = (lines + ["not JSON", #"{"mall_id":"m","phone":"010-1234-5678"}"#]).joined(separator: "\n")
    let summary = try TrialRun(settings(folder, text)).run()
    let expected =
      (["mall_id,shop_no,order_id,item_code,label,rules"] + labels).joined(separator: "\n") + "\n"
    #expect(folder.text("out/labels.csv") == expected)
    #expect(summary.read == lines.count + 2 && summary.deadLettered == 2)
    #expect(summary.decided == lines.count && summary.labelRows == labels.count)
    #expect(summary.labels.map(\.rows).reduce(0, +) == labels.count)

    let decisions = folder.text("out/decisions.ndjson").split(separator: "\n")
    #expect(decisions.count == summary.decisions && decisions.count >= lines.count)
    #expect(decisions.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
    let actions = folder.text("out/actions.ndjson").split(separator: "\n")
    #expect(actions.count == summary.actions)
    #expect(actions.filter { $0.contains("too_late") }.count == 1)
    let letters = folder.text("out/dead-letters.ndjson").split(separator: "\n")
    #expect(letters.count == 2)
    // The reason and the line, never what it held.
    #expect(!folder.text("out/dead-letters.ndjson").contains("1234"))
  }

  /// One order of each of many customers; what happened afterwards, if anything did.
  private static func waitingOrders() -> [String] {
    func line(_ order: Int, _ version: Int, day: Int, status: String, code: String = "N10") -> String {
      func time(_ day: Int) -> String { "2026-10-\(day < 10 ? "0" : "")\(day)T0\(order % 10):00:00+09:00" }
      return """
        {"schema":"passflow.order/1","mall_id":"demomall","shop_no":1,"order_id":"o\(order)","event":"order.changed",\
        "event_time":"\(time(day))","version":\(version),"placed_at":"\(time(1))","paid_at":null,"currency":"KRW",\
        "payment":{"methods":["cash"],"status":"\(status)"},"gift":{"is_gift":false,"address_state":"entered"},\
        "buyer":{"member_id":"kim\(order)"},"receivers":[],"items":[{"item_code":"o\(order)-1","product_code":"P1",\
        "sku":"S1","quantity":1,"unit_price":"20000","option_price":"0","status":"\(code)","is_gift_item":false,\
        "kind":"parcel","receiver_no":1,"tracking_no":null}]}
        """
    }
    var lines: [String] = []
    for order in 10..<50 {
      lines.append(line(order, 1, day: 1, status: "unpaid"))
      // Paid in time, paid too late, shipped late, never paid.
      if order % 4 < 2 { lines.append(line(order, 2, day: order % 4 == 0 ? 2 : 5, status: "paid")) }
      if order % 8 == 0 { lines.append(line(order, 3, day: 12, status: "paid", code: "N30")) }
    }
    return lines + [line(99, 1, day: 13, status: "paid")]
  }

  @Test func whatIsOverdueAtTheEndDependsNeitherOnPartitionsNorOnTheOrderOfLines() throws {
    let folder = Folder()
    let rules = folder.write(
      "overdue.yaml",
      """
      rules:
        - {id: unpaid, if: 'overdue("unpaid", duration("72h"))', then: {labels: [미입금]}}
        - {id: unshipped, if: 'overdue("unshipped", duration("168h"))', then: {labels: [출고지연]}}
        - {id: away, if: 'overdue("purchase", duration("240h"))', then: {labels: [휴면]}}
      """)
    let lines = Self.waitingOrders()
    var expected = ""
    for (number, partitions) in [1, 2, 3, 7].enumerated() {
      let ordered = number % 2 == 0 ? lines : lines.reversed()
      var settings = settings(
        folder, ordered.joined(separator: "\n"), out: "out\(number)", partitions: partitions)
      settings.rules = [rules]
      let summary = try TrialRun(settings).run()
      #expect(summary.deadLettered == 0 && summary.read == lines.count && summary.decided == lines.count)
      let labels = folder.text("out\(number)/labels.csv")
      expected = expected.isEmpty ? labels : expected
      #expect(labels == expected, "\(partitions) partitions")
    }
    let rows = expected.split(separator: "\n").dropFirst()
    // 20 were never paid; of those paid on day 2 or 5 all are late on day 13, shipped on day 12 or not.
    #expect(rows.count { $0.contains("미입금") } == 20 && rows.count { $0.contains("출고지연") } == 20)
    // Every customer has one order, placed on day 1.
    #expect(rows.count { $0.contains("휴면") } == 41)
    let decisions = folder.text("out0/decisions.ndjson")
    #expect(decisions.contains(#""timed":[{"of":"overdue.unpaid","seconds":259200,"value":1}"#))
  }

  @Test func theSummaryHasItsKeys() throws {
    let folder = Folder()
    _ = try TrialRun(settings(folder, Self.orders().lines.joined(separator: "\n"))).run()
    let summary = folder.text("out/summary.json")
    for key in [
      "read", "decided", "dead_lettered", "labels", "orders_by_label", "decisions", "actions", "seconds",
      "orders_per_second", "rule_set",
    ] { #expect(summary.contains("\"\(key)\":"), "\(key)") }
    #expect(summary.contains("\"FIRST_ORDER\":"))
    #expect(!Files.exists(folder.path + "/out/.state"))
  }

  @Test func noPersonalDataIsInAnyOutput() throws {
    let folder = Folder()
    let (lines, _) = Self.orders()
    _ = try TrialRun(settings(folder, (lines + ["{\"buyer\":{\"name\":\"김하나\"}}"]).joined(separator: "\n")))
      .run()
    for name in Files.names(in: folder.path + "/out") {
      let text = folder.text("out/\(name)")
      for secret in ["김하나", "010-0000-0000", "테헤란로", "첨단로", "kim01", "8.8.8.8"] {
        #expect(!text.contains(secret), "\(name) holds \(secret)")
      }
    }
  }

  @Test func memoryThatIsTooSmallMakesNoDifference() throws {
    let folder = Folder()
    let (lines, labels) = Self.orders()
    var small = settings(folder, lines.joined(separator: "\n"))
    small.historyBytesMax = 4096
    small.ledgerBytesMax = 2048
    small.collectBytesMax = 1024
    let summary = try TrialRun(small).run()
    let expected =
      (["mall_id,shop_no,order_id,item_code,label,rules"] + labels).joined(separator: "\n") + "\n"
    #expect(folder.text("out/labels.csv") == expected)
    #expect(summary.decided == lines.count && summary.labelRows == labels.count)
  }

  @Test func partitionsRepeatsAndTheOrderOfLinesMakeNoDifference() throws {
    let folder = Folder()
    let (lines, _) = Self.orders()
    _ = try TrialRun(settings(folder, lines.joined(separator: "\n"))).run()
    let expected = folder.text("out/labels.csv")
    #expect(expected.count > 500)
    for (number, partitions) in [1, 3, 2].enumerated() {
      let text = (partitions == 3 ? lines.reversed() : lines).joined(separator: "\n")
      _ = try TrialRun(settings(folder, text, out: "out\(number)", partitions: partitions)).run()
      #expect(folder.text("out\(number)/labels.csv") == expected, "\(partitions) partitions")
    }
    // The second run into the same folder writes the same file over.
    _ = try TrialRun(settings(folder, lines.joined(separator: "\n"))).run()
    #expect(folder.text("out/labels.csv") == expected)
  }

  @Test func aRecordThatALaterStageRefusesIsListedToo() throws {
    let folder = Folder()
    // An instant after the year 9999: ingest takes the text, the history cannot reckon with it.
    let odd =
      #"{"mall_id":"m","shop_no":1,"order_id":"o-1","event_time":"9999-12-31T23:59:59-09:00","version":1,"#
      + #""placed_at":"2026-10-10T09:30:00+09:00","buyer":{"phone":"010-1234-5678"},"items":[]}"#
    let summary = try TrialRun(
      settings(folder, (Self.orders().lines + [odd, "not JSON"]).joined(separator: "\n"))
    )
    .run()
    #expect(summary.deadLettered == 2 && summary.decided == Self.orders().lines.count)
    let letters = folder.text("out/dead-letters.ndjson").split(separator: "\n")
    #expect(letters.count == 2)
    let later = letters.first { $0.contains(#""stage":"enrich""#) } ?? ""
    #expect(later.contains(#""source":"orders","position":"#) && later.contains(#""partition":"#))
    #expect(later.contains(#""code":"record.malformed""#))
    #expect(!later.contains("1234") && !later.contains("o-1"))
  }

  @Test func anEmptyFileGivesEmptyOutputs() throws {
    let folder = Folder()
    let summary = try TrialRun(settings(folder, "\n \n")).run()
    #expect(summary.read == 0 && summary.decided == 0 && summary.labelRows == 0)
    #expect(folder.text("out/labels.csv") == "mall_id,shop_no,order_id,item_code,label,rules\n")
  }

  @Test func whatTheCallerCanPutRightIsSaidInWords() throws {
    let folder = Folder()
    func message(_ change: (inout TrialRunSettings) -> Void) -> String {
      var settings = settings(folder, "")
      change(&settings)
      do {
        _ = try TrialRun(settings).run()
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(
      message { $0.orders = folder.path + "/none.ndjson" }.contains("cannot read \(folder.path)/none.ndjson"))
    #expect(message { $0.orders = folder.path }.contains("it is a directory"))
    #expect(message { $0.rules = [folder.path + "/none.yaml"] }.contains("cannot read the rule file"))
    #expect(message { $0.rules = [folder.path] }.contains("no .yaml file in the rules folder"))
    let bad = folder.write("bad.yaml", "rules:\n  - {id: a, if: amount.itms >= 1, then: {labels: [A]}}\n")
    let problem = message { $0.rules = [bad] }
    #expect(problem.contains("bad.yaml") && problem.contains("amount.items"))
    #expect(message { $0.reference = folder.path + "/none" }.contains("is not there"))
    #expect(message { $0.reference = folder.path }.contains("no reference file in"))
    #expect(message { $0.geo = folder.path + "/none.csv" }.contains("the IP table"))
    #expect(
      message { $0.out = bad }.contains("is in the way") || message { $0.out = bad }.contains("cannot make"))
  }

  @Test func withoutRulesTheShippedOnesAreTaken() throws {
    let folder = Folder()
    var settings = settings(folder, Self.orders().lines.joined(separator: "\n"))
    let named = try TrialRun(settings).run()
    settings.rules = []
    #expect(try TrialRun(settings).run().ruleSet == named.ruleSet)
  }
}
