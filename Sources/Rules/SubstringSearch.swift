/// Looks for many texts in one at once: a single pass over it, however many they are (Aho and Corasick's automaton).
struct SubstringSearch {
  /// Transitions that there is room for: 4 MiB.
  static let transitionsMax = 1 << 20

  /// By byte: its number among the bytes of the texts looked for, from 1; 0: in none of them.
  private var classes = [UInt8](repeating: 0, count: 256)
  private var classCount = 0
  /// By state and class the next state; 0 is the beginning.
  private var next: [Int32] = []
  /// By state: which text ends there; −1: none.
  private var ending: [Int32] = []
  /// By state: the state of the longest other text that ends there too; 0: none.
  private var shorter: [Int32] = []

  /// - Parameter texts: distinct, none of them empty. Nil: too many for a table.
  init?(_ texts: [[UInt8]]) {
    for text in texts {
      for byte in text where classes[Int(byte)] == 0 {
        // A text holds no byte 0xFF (UTF-8), so 255 numbers are enough.
        guard classCount < 255 else { return nil }
        classCount += 1
        classes[Int(byte)] = UInt8(classCount)
      }
    }
    addState()
    for (number, text) in texts.enumerated() {
      var state = 0
      for byte in text {
        let place = state * classCount + Int(classes[Int(byte)]) - 1
        if next[place] == 0 {
          guard next.count + classCount <= SubstringSearch.transitionsMax else { return nil }
          next[place] = Int32(ending.count)
          addState()
        }
        state = Int(next[place])
      }
      ending[state] = Int32(number)
    }
    closeTransitions()
  }

  private mutating func addState() {
    next += repeatElement(0, count: classCount)
    ending.append(-1)
    shorter.append(0)
  }

  /// Where a state goes with a byte that continues none of its texts: where the longest end of it that begins another
  /// text goes. State by state, the shorter ones first.
  private mutating func closeTransitions() {
    var fallback = [Int32](repeating: 0, count: ending.count)
    var queue: [Int] = [0]
    var done = 0
    while done < queue.count {
      let state = queue[done]
      done += 1
      let behind = Int(fallback[state])
      for place in 0..<classCount {
        let after = Int(next[state * classCount + place])
        let other = state == 0 ? 0 : next[behind * classCount + place]
        guard after != 0 else {
          next[state * classCount + place] = other
          continue
        }
        fallback[after] = other
        shorter[after] = ending[Int(other)] >= 0 ? other : shorter[Int(other)]
        queue.append(after)
      }
    }
  }

  /// Calls for each text that is contained, with its number, at least once.
  func forEachFound(in text: UnsafeBufferPointer<UInt8>, _ body: (Int) -> Void) {
    var state = 0
    for byte in text {
      let number = Int(classes[Int(byte)])
      guard number > 0 else {
        state = 0
        continue
      }
      state = Int(next[state * classCount + number - 1])
      var end = ending[state] >= 0 ? state : Int(shorter[state])
      while end != 0 {
        body(Int(ending[end]))
        end = Int(shorter[end])
      }
    }
  }
}

/// Which texts of a dictionary contain which of those that `contains` asks for: each of them looked through once.
struct SubstringMemos {
  /// From so many different ones on they are looked for together.
  static let textsMin = 2

  private let search: SubstringSearch
  private let count: Int
  private let numbers: [Int: Int]
  /// By code.
  private var isAsked: [Bool] = []
  /// By number of the text looked for, then by code: 1 not contained, 2 contained.
  private(set) var memos: [[UInt8]] = []

  /// - Parameter nodes: of the graph. Nil: there are too few of them that say `contains`, or too many.
  init?(_ nodes: [Int], _ graph: Graph) {
    var texts: [[UInt8]] = []
    var known: [[UInt8]: Int] = [:]
    var numbers: [Int: Int] = [:]
    for node in nodes {
      guard case .textTest(_, .contains(let text)) = graph.nodes[node], !text.isEmpty else { continue }
      if known[text] == nil {
        known[text] = texts.count
        texts.append(text)
      }
      numbers[node] = known[text]
    }
    guard texts.count >= SubstringMemos.textsMin, let search = SubstringSearch(texts) else { return nil }
    (self.search, self.numbers, count) = (search, numbers, texts.count)
    forget()
  }

  /// The place in `memos` of a node's answers; nil: it is answered by itself.
  func number(of node: Int) -> Int? { numbers[node] }

  /// The codes have lost their meaning.
  mutating func forget() {
    isAsked.removeAll(keepingCapacity: true)
    memos = Array(repeating: [], count: count)
  }

  mutating func fill(_ codes: UnsafePointer<UInt32>, rows: Int, dictionary: StringDictionary) {
    if isAsked.count <= dictionary.count {
      let added = max(dictionary.count + 1, 64) * 2 - isAsked.count
      isAsked += repeatElement(false, count: added)
      for number in memos.indices { memos[number] += repeatElement(1, count: added) }
    }
    for row in 0..<rows {
      let code = Int(codes[row])
      guard code != 0, code < isAsked.count, !isAsked[code] else { continue }
      isAsked[code] = true
      dictionary.withBytes(of: codes[row]) { text in search.forEachFound(in: text) { memos[$0][code] = 2 } }
    }
  }
}
