import Foundation

/// Files of the repository, found from where this source stands.
enum TopicFiles {
  static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  static let topics = tests.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("topics")

  static func bytes(_ url: URL) throws -> [UInt8] { [UInt8](try Data(contentsOf: url)) }

  static func names(_ folder: URL, ending suffix: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(suffix) }.sorted()
  }

  static var hasProtoc: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/protoc") }

  /// Runs `protoc --encode` or `--decode` of one message, input and output through files.
  static func protoc(_ mode: String, _ message: String, _ input: [UInt8]) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("topics-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("in")
    let target = folder.appendingPathComponent("out")
    try Data(input).write(to: source)
    try Data().write(to: target)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/protoc")
    process.currentDirectoryURL = topics
    process.arguments = ["-I.", "--\(mode)=\(message)"] + (try names(topics, ending: ".proto"))
    process.standardInput = try FileHandle(forReadingFrom: source)
    process.standardOutput = try FileHandle(forWritingTo: target)
    try process.run()
    process.waitUntilExit()
    struct Refused: Error {}
    guard process.terminationStatus == 0 else { throw Refused() }
    return try bytes(target)
  }
}
