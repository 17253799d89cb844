internal import CRuleKernels

/// Answer to a rule or a term, numbered as on the wire (`decision.proto`, Outcome).
public enum Outcome: UInt8, Sendable {
  case `false` = 0
  case `true` = 1
  case unknown = 2
}

/// Runs a plan over batches: every node that some row's rules need once, column by column, 64 rows to a word.
///
/// Owns all scratch memory, which it keeps from batch to batch. Answers stay valid until the next `evaluate`.
/// Not thread-safe: one owner at a time; a plan may have many evaluators.
public final class Evaluator {
  @exclusivity(unchecked) public private(set) var plan: Plan
  let capacity: Int
  let wordCount: Int
  /// What is computed for the rule sets that batches have had; nil before the first batch.
  @exclusivity(unchecked) var program: Program?
  /// Batches since the program was made, and how many profiles the last one used of it.
  private var programAge = 0

  // Text constants and tests under the dictionary of the last batch.
  private var boundDictionary: ObjectIdentifier?
  private var boundGeneration: UInt64 = 0

  @exclusivity(unchecked) var rowAnswers: RowAnswers
  @exclusivity(unchecked) private(set) var batch: FactBatch?
  /// Rows of the batch evaluated last.
  @exclusivity(unchecked) public private(set) var count = 0
  /// Per row: its profile; beyond the profiles for a row of a rule set that is not there.
  let rowProfiles: UnsafeMutablePointer<UInt32>

  /// A program is made anew after this many batches, so that profiles which no longer come cost nothing.
  static let programAgeMax = 1_024

  /// `capacity`: of the batches to come.
  public init(plan: Plan, capacity: Int = FactBatch.ordersMax) {
    self.plan = plan
    self.capacity = (min(max(capacity, 1), FactBatch.ordersMax) + 63) / 64 * 64
    wordCount = self.capacity / 64
    rowAnswers = RowAnswers(plan: plan, rows: self.capacity)
    rowProfiles = FactBatch.zeroed(self.capacity)
  }

  deinit { rowProfiles.deallocate() }

  /// Goes on with another plan, from the next batch on. What the last batch was answered is gone.
  public func adopt(_ plan: Plan) {
    let hasGraph = plan.hasGraph(of: self.plan)
    self.plan = plan
    count = 0
    if hasGraph {
      program?.bind(plan.parameters)
    } else {
      program = nil
      boundDictionary = nil
    }
    if !rowAnswers.fits(plan) { rowAnswers = RowAnswers(plan: plan, rows: capacity) }
  }

  /// Decides every rule of the plan for the rows of its rule set. The batch must have been made with the plan's
  /// `layout`; one of another plan, or a larger one than `capacity`, is answered with no rows.
  public func evaluate(_ batch: FactBatch) {
    count = 0
    guard batch.capacity <= capacity, batch.layout == plan.layout else { return }
    self.batch = batch
    guard batch.count > 0 else { return }
    count = batch.count
    let isReady = findProfiles(batch)
    programAge += 1
    if !isReady || programAge > Evaluator.programAgeMax || program?.fits(batch) != true {
      makeProgram(batch)
    }
    guard let program else { return }
    bindTexts(to: batch.dictionary, program)
    program.place(batch, rows: count)
    spreadParameters(batch, program)
    run(program, batch)
  }

  /// Looks up each row's profile; false when the program lacks one of them.
  private func findProfiles(_ batch: FactBatch) -> Bool {
    if plan.setProfiles.count == 1, let only = plan.setProfiles.first {
      // Not always the first profile: the one set may have been replaced.
      rowProfiles.update(repeating: only, count: (count + 63) / 64 * 64)
      return program?.has(only) ?? false
    }
    let beyond = UInt32(truncatingIfNeeded: plan.profiles.count)
    let sets = UInt32(truncatingIfNeeded: plan.setProfiles.count)
    return plan.setProfiles.withUnsafeBufferPointer {
      guard let first = $0.baseAddress else { return false }
      return rule_find_profiles(batch.ruleSets, sets, first, beyond, program?.ready, rowProfiles, count) != 0
    }
  }

  /// For the profiles of this batch, and, unless it has become old, for those it had before.
  private func makeProgram(_ batch: FactBatch) {
    var profiles: Set<Int> = []
    if let program, programAge <= Evaluator.programAgeMax { profiles = Set(program.profiles) }
    for row in 0..<count where Int(rowProfiles[row]) < plan.profiles.count {
      profiles.insert(Int(rowProfiles[row]))
    }
    programAge = 0
    boundDictionary = nil
    program = nil
    program = Program(
      plan: plan, profiles: profiles.sorted(), capacity: capacity, batch: batch)
  }

  private func spreadParameters(_ batch: FactBatch, _ program: Program) {
    if plan.parameters.table != nil {
      program.storeParameters(plan.parameters, batch, words: (count + 63) / 64)
      return
    }
    guard !program.parameterColumns.isEmpty else { return }
    plan.parameters.values.withUnsafeBufferPointer { values in
      plan.parameters.starts.withUnsafeBufferPointer { starts in
        guard let values = values.baseAddress, let starts = starts.baseAddress else { return }
        if let columns = program.commonColumns, plan.setProfiles.count > 1,
          !program.hasStrangers(rowProfiles, count)
        {
          rule_spread_parameters(
            batch.ruleSets, starts, values, program.commonColumnCount, columns, count)
          return
        }
        for row in 0..<count {
          guard let placed = program.placed(rowProfiles[row]) else { continue }
          let from = values + Int(starts[Int(batch.ruleSets[row])])
          for place in 0..<placed.parameterCount { placed.parameters[place]?[row] = from[place] }
        }
      }
    }
  }

  private func bindTexts(to dictionary: StringDictionary, _ program: Program) {
    guard boundDictionary != ObjectIdentifier(dictionary) || boundGeneration != dictionary.generation else {
      return
    }
    boundDictionary = ObjectIdentifier(dictionary)
    boundGeneration = dictionary.generation
    program.bindTexts(plan.graph, dictionary)
  }

  func planes(_ reference: NodeReference) -> Planes { program?.planes(reference) ?? Planes.none }
}

/// Where a truth stands: its true and its false bits.
struct Planes {
  var t: UnsafeMutablePointer<UInt64>
  var f: UnsafeMutablePointer<UInt64>

  /// Of nodes that are not computed: never read, since no row asks for them.
  nonisolated(unsafe) static let none: Planes = {
    let empty: UnsafeMutablePointer<UInt64> = FactBatch.zeroed(FactBatch.ordersMax / 64)
    return Planes(t: empty, f: empty)
  }()
}

struct NumberColumn {
  var values: UnsafeMutablePointer<Int64>
  var known: UnsafeMutablePointer<UInt64>
}

extension FactBatch {
  /// Position among the lists of its level.
  func list(_ fact: Fact) -> Int {
    fact.level == .order
      ? Int(fact.rawValue) &- Int(Fact.paymentMethods.rawValue)
      : Int(fact.rawValue) &- lines(fact.level).listBase
  }
}
