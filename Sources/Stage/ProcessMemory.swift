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

  /// The most memory that the process ever had, in bytes.
  public static var peakBytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}
