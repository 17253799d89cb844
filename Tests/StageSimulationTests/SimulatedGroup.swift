import Kafka
import TestKit

/// What a member shows when it commits in a transaction; member 0 and generation −1 are none.
struct SimulatedMembership: Equatable {
  var member: Int
  var generation: Int
}

/// The group's coordinator: members, generations, eager rebalances, committed offsets.
final class SimulatedGroup {
  struct Member {
    unowned let inputs: SimulatedInputs
    var hasJoined: Bool
    var seenAt: Int64
  }

  static let sessionMs: Int64 = 6_000
  static let rebalanceMs: Int64 = 40_000

  unowned let world: SimulatedWorld
  private(set) var members: [Int: Member] = [:]
  private(set) var generation = 0
  private(set) var isPreparing = false
  private var preparingSince: Int64 = 0
  private var lastMember = 0
  /// Who owns a partition in this generation.
  private(set) var owners: [Int32: Int] = [:]
  /// What the group would tell; grows when a transaction's offsets are marked.
  var committed: [Int32: Int64] = [:]
  private var rebalances = 0

  init(_ world: SimulatedWorld) { self.world = world }

  func join(_ inputs: SimulatedInputs) {
    if members[inputs.member] == nil {
      lastMember += 1
      inputs.member = lastMember
    }
    members[inputs.member] = Member(inputs: inputs, hasJoined: true, seenAt: world.now)
    prepare()
    completeIfPossible()
  }

  func remove(_ member: Int, _ reason: String) {
    guard members.removeValue(forKey: member) != nil else { return }
    world.note("group: \(member) goes, \(reason)")
    prepare()
    completeIfPossible()
  }

  func heartbeat(_ member: Int) -> Bool {
    members[member]?.seenAt = world.now
    return members[member] != nil
  }

  func needsRejoin(_ member: Int) -> Bool { isPreparing && members[member]?.hasJoined == false }

  func expire() {
    for member in members.keys.sorted() {
      guard let entry = members[member] else { continue }
      if world.now - entry.seenAt > Self.sessionMs {
        remove(member, "silent")
      } else if isPreparing, !entry.hasJoined, world.now - preparingSince > Self.rebalanceMs {
        remove(member, "did not join again")
      }
    }
  }

  func rebalance() { if !members.isEmpty { prepare() } }

  private func prepare() {
    if isPreparing { return }
    isPreparing = true
    preparingSince = world.now
    for (member, entry) in members { members[member]?.hasJoined = entry.inputs.wantsToJoin }
  }

  private func completeIfPossible() {
    guard isPreparing, members.values.allSatisfy(\.hasJoined) else { return }
    isPreparing = false
    generation += 1
    rebalances += 1
    var order = members.keys.sorted()
    order.shuffle(using: &world.random)
    owners.removeAll()
    for partition in 0..<world.partitions where !order.isEmpty {
      owners[Int32(partition)] = order[partition % order.count]
    }
    world.note("group: generation \(generation), owners \(owners.sorted { $0.key < $1.key }.map(\.value))")
    for member in members.keys.sorted() {
      members[member]?.hasJoined = false
      members[member]?.inputs.given(
        owners.filter { $0.value == member }.map(\.key).sorted(), generation: generation)
    }
  }

  /// As Kafka does it: who shows neither member nor generation is an old client and is not checked.
  func accepts(_ shown: SimulatedMembership) -> Bool {
    if !world.faults.brokerFences { return true }
    if shown.member == 0, shown.generation < 0 { return true }
    return members[shown.member] != nil && shown.generation == generation
  }

  func owns(_ instance: SimulatedInstance, _ partition: Int32) -> Bool {
    guard let owner = owners[partition], let member = members[owner] else { return false }
    return member.inputs.instance === instance
  }
}
