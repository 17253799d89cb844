import Testing

@testable import Kafka

struct KafkaErrorTests {
  @Test func theTableSaysWhoseDoingAnErrorIsAndWhatToDo() {
    let rows: [(Int32, KafkaError.Origin, KafkaError.Remedy)] = [
      (-195, .client, .retry), (-185, .client, .retry), (-184, .client, .retry),
      (-144, .client, .reopen), (-199, .client, .reopen), (-150, .client, .reopen), (-172, .own, .stop),
      (-186, .own, .stop),
      (-142, .client, .rejoin), (-147, .client, .rejoin), (10, .input, .stop), (29, .input, .stop),
      (-188, .input, .stop), (-190, .input, .stop), (3, .broker, .retry), (6, .broker, .retry),
      (14, .broker, .retry), (51, .broker, .retry), (45, .broker, .reopen), (47, .broker, .reopen),
      (48, .broker, .reopen), (90, .broker, .reopen), (22, .broker, .rejoin), (25, .broker, .rejoin),
      (27, .broker, .rejoin), (82, .own, .stop), (1, .input, .stop), (-140, .input, .stop),
      (9_999, .broker, .retry), (-9_999, .client, .reopen),
    ]
    for (code, origin, remedy) in rows {
      let error = KafkaError(code: code)
      #expect(error.origin == origin, "\(error)")
      #expect(error.remedy == remedy, "\(error)")
    }
  }

  @Test func flagsGoBeforeTheTable() {
    #expect(KafkaError(code: 6, isFatal: true).remedy == .reopen)
    #expect(KafkaError(code: 10, isFatal: true).remedy == .stop)
    #expect(KafkaError(code: 45, requiresAbort: true).remedy == .abort)
    #expect(KafkaError(code: 22, requiresAbort: true).remedy == .rejoin)
    #expect(KafkaError(code: 45, isRetriable: true).remedy == .retry)
  }

  @Test func secretsAreNeverPrinted() {
    let settings = ClientSettings(
      bootstrap: "b:1", properties: ["sasl.password": "hush", "ssl.key.pem": "hush", "linger.ms": "3"])
    #expect(!settings.description.contains("hush"))
    #expect(settings.description.contains("linger.ms=3"))
  }

  @Test func aRefusedPropertyIsNamed() {
    do {
      _ = try Producer(settings: ClientSettings(bootstrap: "b:1", properties: ["no.such.thing": "1"]))
      Issue.record("accepted")
    } catch { #expect(error.text.contains("no.such.thing")) }
  }
}

struct PartitionerTests {
  /// Vectors of Kafka's own `UtilsTest.testMurmur2`.
  @Test func murmur2AgreesWithTheJavaClient() {
    let vectors: [(String, Int32)] = [
      ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
      ("a-little-bit-longer-string", -1_486_304_829),
      ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ]
    for (key, hash) in vectors {
      let mine = Array(key.utf8).withUnsafeBytes { Partitioner.murmur2($0) }
      #expect(Int32(bitPattern: mine) == hash, "\(key)")
    }
  }

  @Test func aPartitionLiesWithinTheCountWhateverTheCount() {
    for count in [-1, 0, 1, 2, 7, 64] {
      let partition = Array("key".utf8).withUnsafeBytes { Partitioner.partition(forKey: $0, count: count) }
      #expect(partition >= 0 && Int(partition) < max(1, count))
    }
  }
}
