@testable import Stage
@testable import Store

/// The state files of one machine; they outlive the instances on it.
final class SimulatedDisk {
  struct Version {
    var rows: [[UInt8]: [UInt8]] = [:]
    var position = StatePosition()
  }
  final class File {
    var versions = [Version()]
    var isOpen = false
    /// Found when the file is opened and read whole, or later, at the next read or write.
    var isDamagedAtRest = false
    var isDamagedInUse = false
  }

  var files: [String: File] = [:]
  var fullUntil: Int64 = 0

  /// The last writes are gone, as after a power cut; whole ones only.
  func lose(_ file: File, versions: Int) {
    file.versions.removeLast(min(versions, file.versions.count - 1))
  }
}

/// An open file. What it is given is kept at once: a crash of the process does not lose it, a power cut may.
final class SimulatedStateFile: LaneStateFile {
  private static let keptVersionsMax = 4

  unowned let instance: SimulatedInstance
  let partition: Int32
  private let file: SimulatedDisk.File
  private(set) var isDamaged = false
  let fileBytes: Int64 = 4096

  init(_ instance: SimulatedInstance, _ partition: Int32, _ file: SimulatedDisk.File) {
    self.instance = instance
    self.partition = partition
    self.file = file
    file.isOpen = true
  }

  deinit { file.isOpen = false }

  var position: StatePosition { file.versions[file.versions.count - 1].position }
  var rows: [[UInt8]: [UInt8]] { file.versions[file.versions.count - 1].rows }

  private func check() throws(PartitionStateError) {
    if instance.isDead { throw .failed(SQLiteError(extendedCode: 10, sql: "gone")) }
    if file.isDamagedInUse {
      isDamaged = true
      throw .damaged(nil)
    }
  }

  func verifyAll() throws(PartitionStateError) {
    if file.isDamagedAtRest { file.isDamagedInUse = true }
    try check()
  }

  func value(_ key: [UInt8]) throws(PartitionStateError) -> [UInt8]? {
    try check()
    return rows[key]
  }

  func removeAll() throws(PartitionStateError) {
    try check()
    file.versions = [SimulatedDisk.Version()]
  }

  func apply(
    position next: StatePosition,
    _ body: ((_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws -> Void) throws -> Void
  ) throws(PartitionStateError) {
    if !instance.entered() { try check() }
    try check()
    if instance.disk.fullUntil > instance.world.now {
      throw .failed(SQLiteError(extendedCode: 13, sql: "COMMIT"))
    }
    var version = file.versions[file.versions.count - 1]
    do {
      try body { key, value in version.rows[[UInt8](key)] = value.map { [UInt8]($0) } }
    } catch {
      throw PartitionState.translate(error)
    }
    version.position = next
    if !instance.entered() { try check() }
    file.versions.append(version)
    if file.versions.count > Self.keptVersionsMax { file.versions.removeFirst() }
    instance.world.checkFile(version, partition, of: instance)
  }
}
