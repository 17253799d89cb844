internal import CAllocator
internal import Glibc

/// Settings of glibc's allocator for processes with a few busy threads and large reused buffers.
public enum ProcessMemory {
  /// Called once, before the first thread starts. Without it glibc gives each of librdkafka's threads a heap of its
  /// own, grows these by single pages and returns large buffers to the system between two uses.
  public static func tune() {
    passflow_allocator_tune(4, 1 << 20, 8 << 20, 32 << 20)
  }

  /// Gives back to the system what lies free between used memory. Takes some milliseconds.
  public static func trim() { passflow_allocator_trim() }

  /// What of the process lies in memory now, in bytes; 0 where the system does not tell.
  public static var residentBytes: Int {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = read(file, &text, text.count)
    guard count > 0 else { return 0 }
    let fields = text[..<count].split(separator: 32)
    guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return 0 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// The most memory that the process ever had, in bytes.
  public static var peakBytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}
