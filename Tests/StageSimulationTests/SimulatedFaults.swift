import TestKit

/// How likely each fault is, in percent of its occasions.
struct SimulatedFaults {
  var crash = 0.0
  var stop = 0.0
  var freeze = 0.0
  var silence = 0.0
  var rebalance = 0.0
  var damage = 0.0
  var fullDisk = 0.0
  var lostAcknowledgements = 0.0
  var slowAcknowledgements = 0.0
  var producerFails = 0.0
  var abortedTransactions = 0.0
  var uncertainCommits = 0.0
  var failedReopenings = 0.0
  var slowTransactions = 0.0
  var slowMarkers = 0.0

  // A broker that is broken: only to see that the checks notice.
  var brokerFences = true
  var acknowledgesEarly = false

  static let none = SimulatedFaults()

  /// Some kinds at once, each rare or frequent.
  static func drawn(_ random: inout SeededGenerator) -> SimulatedFaults {
    func percent(_ often: Double) -> Double {
      switch random.number(0...3) {
      case 0: 0
      case 1: often / 8
      case 2: often / 2
      default: often
      }
    }
    var faults = SimulatedFaults()
    faults.crash = percent(2.5)
    faults.stop = percent(1)
    faults.freeze = percent(1)
    faults.silence = percent(1)
    faults.rebalance = percent(2)
    faults.damage = percent(2)
    faults.fullDisk = percent(0.4)
    faults.lostAcknowledgements = percent(10)
    faults.slowAcknowledgements = percent(6)
    faults.producerFails = percent(0.4)
    faults.abortedTransactions = percent(10)
    faults.uncertainCommits = percent(16)
    faults.failedReopenings = percent(30)
    faults.slowTransactions = percent(4)
    faults.slowMarkers = percent(10)
    return faults
  }
}
