import Kafka
import Stage

extension IngestExecutable {
  static func access(_ kafka: KafkaSettings) -> BrokerAccess {
    var servers = ""
    var isEmbedded = false
    if case .servers(let text) = kafka.bootstrap {
      isEmbedded = text.hasPrefix("embedded@")
      servers = isEmbedded ? String(text.dropFirst("embedded@".count)) : text
    }
    var properties = ["compression.codec": isEmbedded ? "none" : kafka.compression]
    for pair in kafka.properties { properties[pair.name] = pair.value }
    return BrokerAccess(
      client: ClientSettings(bootstrap: servers, clientId: kafka.clientID, properties: properties),
      isEmbedded: isEmbedded)
  }
}
