import Foundation

func environmentSeed() -> UInt64? {
  ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
}
