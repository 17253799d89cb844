internal import CRdKafka
internal import Synchronization

/// The producer's own thread: the only one that produces, takes delivery reports and opens anew.
extension ProducerCore {
  /// A batch on its way for longer is not believed to come back: open anew.
  private static let stallMs: Int64 = 60_000
  /// A topic was there when it was registered: so many times in a row (about 30 s) a client that does not
  /// know it is opened anew before that is believed.
  private static let missingTopicMax = 12

  /// A message is tagged with its lane's number and, in so many low bits, its place in the batch.
  private static let entryBits = 20

  func runWorker() {
    var stopping = false
    while !stopping {
      let trouble = handOverReady()
      if let trouble { recover(from: trouble) }
      guard let queue else {
        pause(ms: 500)
        stopping = monitor.locked { isStopping }
        continue
      }
      if let event = rd_kafka_queue_poll(queue, monitor.locked { ready.isEmpty } ? 500 : 5) {
        let trouble = take(event)
        rd_kafka_event_destroy(event)
        if let trouble { recover(from: trouble) }
      } else if hasStalled() {
        recover(from: KafkaError.timedOut("no acknowledgement for \(ProducerCore.stallMs) ms"))
      }
      stopping = monitor.locked { isStopping }
    }
    // Nothing may be on its way: librdkafka would still read from the arenas.
    closeHandle(
      inBackground: settings.closesInBackground && monitor.locked { lanes.allSatisfy(\.batches.isEmpty) })
  }

  // MARK: Handing over

  private func handOverReady() -> KafkaError? {
    monitor.lock()
    let lanes = ready
    ready.removeAll(keepingCapacity: true)
    for lane in lanes { lane.isQueued = false }
    let mayGo = failure == nil
    monitor.unlock()
    if !mayGo { return nil }
    for lane in lanes {
      if let trouble = handOver(lane) { return trouble }
    }
    return nil
  }

  private func handOver(_ lane: OutputLane) -> KafkaError? {
    monitor.lock()
    guard lane.isIdle, let batch = lane.batches.first else {
      monitor.unlock()
      return nil
    }
    let from = batch.done
    let upTo = endOfRange(lane, batch)
    lane.isHeldBack = upTo == from
    if lane.isHeldBack {
      monitor.wakeAll()
      monitor.unlock()
      return nil
    }
    batch.isSealed = true
    lane.handed = upTo
    lane.handedAtMs = monotonicMs()
    let name = topics[lane.topic].name
    let arena = batch.arena
    fill(batch, from..<upTo, lane, arena)
    monitor.unlock()
    guard let topic = topicObject(lane.topic, name) else { return KafkaError.own("no topic object") }
    return produce(topic, lane, from: from)
  }

  /// How far to go now: one request's worth, and within the pacing's room.
  private func endOfRange(_ lane: OutputLane, _ batch: OutputBatch) -> Int {
    let limit = min(batch.entries.count, batch.done &+ handOverMax)
    guard let account = lane.pacing?.account else { return limit }
    let room = account.room
    var bytes = 0
    var end = batch.done
    while end < limit {
      bytes &+= batch.entries[end].bytes &+ PacingAccount.framing
      if bytes > room { break }
      end &+= 1
    }
    if end == batch.done, account.mayAlwaysSendOne { return batch.done &+ 1 }
    // Many small pieces cost more than a short wait for the reader.
    return end < limit && account.unreadBytes > 0 && room < account.pieceBytesMin ? batch.done : end
  }

  private func fill(
    _ batch: OutputBatch, _ range: Range<Int>, _ lane: OutputLane, _ arena: UnsafeMutableRawPointer
  ) {
    scratch.removeAll(keepingCapacity: true)
    let tag = (topics[lane.topic].firstLane &+ Int(lane.partition) &+ 1) << ProducerCore.entryBits
    for index in range {
      let entry = batch.entries[index]
      var message = rd_kafka_message_t()
      let start = arena + Int(entry.start)
      let keyCount = max(0, Int(entry.keyCount))
      if entry.keyCount >= 0 {
        message.key = start
        message.key_len = keyCount
      }
      if entry.valueCount >= 0 {
        message.payload = start + keyCount
        message.len = Int(entry.valueCount)
      }
      message._private = UnsafeMutableRawPointer(bitPattern: tag | index)
      scratch.append(message)
    }
  }

  /// Nothing is copied: the arena stays until the reports are in or the client is destroyed.
  private func produce(_ topic: OpaquePointer, _ lane: OutputLane, from: Int) -> KafkaError? {
    let count = scratch.count
    let accepted = scratch.withUnsafeMutableBufferPointer { messages in
      Int(rd_kafka_produce_batch(topic, lane.partition, 0, messages.baseAddress, Int32(clamping: count)))
    }
    if accepted == count { return nil }
    let refused = scratch.firstIndex { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR } ?? 0
    let code = scratch[refused].err
    if code == RD_KAFKA_RESP_ERR__QUEUE_FULL && accepted == refused {
      monitor.locked {
        lane.handed = from &+ accepted
        if accepted == 0, !lane.isQueued {
          lane.isQueued = true
          ready.append(lane)
        }
      }
      return nil
    }
    return handle.fatalError ?? KafkaError(code)
  }

  private func topicObject(_ index: Int, _ name: String) -> OpaquePointer? {
    if let known = topicObjects[index] { return known }
    let made = rd_kafka_topic_new(handle.rk, name, nil)
    topicObjects[index] = made
    return made
  }

  // MARK: Delivery reports

  /// What the event says of trouble.
  private func take(_ event: OpaquePointer) -> KafkaError? {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_DR: return takeReports(event)
    case RD_KAFKA_EVENT_ERROR:
      let error = KafkaError.from(event: event, of: handle)
      return error.isFatal || error.isHopeless ? error : nil
    default:
      _ = settings.takeTelemetry(event)
      return nil
    }
  }

  private func takeReports(_ event: OpaquePointer) -> KafkaError? {
    var touched: [OutputLane] = []
    var trouble: KafkaError?
    monitor.lock()
    while let message = rd_kafka_event_message_next(event) {
      let tag = Int(bitPattern: message.pointee._private)
      let number = tag >> ProducerCore.entryBits
      guard number > 0, number <= lanes.count else { continue }
      let lane = lanes[number &- 1]
      if message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR || trouble != nil {
        if trouble == nil { trouble = KafkaError(message.pointee.err) }
        continue
      }
      // librdkafka may send a range in several requests: one refused and the next acknowledged is a gap.
      let expected = (lane.batches.first?.done ?? 0) &+ lane.acknowledgedNow
      if tag & ((1 << ProducerCore.entryBits) &- 1) != expected {
        trouble = KafkaError(RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE, "acknowledged out of order")
        continue
      }
      if lane.acknowledgedNow == 0 { touched.append(lane) }
      lane.acknowledgedNow &+= 1
      lane.pacing?.account.acknowledged(
        offset: message.pointee.offset, bytes: message.pointee.len &+ message.pointee.key_len)
    }
    for lane in touched { settle(lane) }
    let through = touched.isEmpty ? nil : publishAcknowledged()
    monitor.unlock()
    if let through {
      fruitlessReopenings = 0
      onAcknowledged?(through)
    }
    return trouble
  }

  /// With the monitor held: the lane's acknowledged records go, and what has gathered is next.
  private func settle(_ lane: OutputLane) {
    guard let batch = lane.batches.first else { return }
    let end = min(lane.handed, batch.done &+ lane.acknowledgedNow)
    lane.acknowledgedNow = 0
    var bytes = 0
    for entry in batch.entries[batch.done..<max(end, batch.done)] { bytes &+= entry.bytes }
    buffered.wrappingSubtract(bytes, ordering: .relaxed)
    batch.done = max(end, batch.done)
    if let pacing = lane.pacing, let progress = pacing.progress, let tail = pacing.account.tail {
      progress.written(TopicPartition(topics[lane.topic].name, lane.partition), to: tail)
    }
    if batch.done == batch.entries.count { retireFirstBatch(of: lane) }
    if lane.isReadyToGo {
      lane.isQueued = true
      ready.append(lane)
    }
  }

  private func hasStalled() -> Bool {
    let now = monotonicMs()
    return monitor.locked {
      lanes.contains { !$0.isIdle && now &- $0.handedAtMs > ProducerCore.stallMs }
    }
  }

  // MARK: Opening anew

  private func recover(from first: KafkaError) {
    let error = first.isFatal ? cause(behind: first) : first
    let isTooLarge = error.code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue
    if isTooLarge && handOverMax > 1 {
      // The broker's limit is lower than ours: go on with smaller batches before blaming a record.
      handOverMax = max(1, handOverMax / 16)
    } else if error.isHopeless, !error.isMissingTopic || fruitlessReopenings >= ProducerCore.missingTopicMax {
      return giveUp(error)
    }
    closeHandle()
    reopenings.wrappingAdd(1, ordering: .relaxed)
    fruitlessReopenings &+= 1
    pause(ms: min(5_000, 20 << min(8, fruitlessReopenings)))
    do throws(KafkaError) {
      let (opened, openedQueue) = try ProducerCore.open(settings)
      handleLock.lock()
      monitor.lock()
      handle = opened
      queue = openedQueue
      rewind()
      monitor.unlock()
      handleLock.unlock()
    } catch {
      giveUp(error)
    }
  }

  /// A fatal error is announced before the delivery reports that say why: what they say goes first when
  /// no repetition can help against it.
  private func cause(behind fatal: KafkaError) -> KafkaError {
    let limit = deadline(inMs: 200)
    while monotonicMs() < limit, let queue, let event = rd_kafka_queue_poll(queue, 50) {
      let found = take(event)
      rd_kafka_event_destroy(event)
      if let found, found.isHopeless, !found.isMissingTopic { return found }
    }
    return fatal
  }

  /// With the monitor held: everything not acknowledged is to be handed over again.
  private func rewind() {
    ready.removeAll(keepingCapacity: true)
    for lane in lanes {
      lane.isQueued = false
      guard let batch = lane.batches.first else { continue }
      lane.handed = batch.done
      lane.isQueued = true
      ready.append(lane)
    }
  }

  private func giveUp(_ error: KafkaError) {
    monitor.locked {
      if failure == nil { failure = error }
      ready.removeAll()
      monitor.wakeAll()
    }
  }

  func pause(ms: Int) {
    let limit = deadline(inMs: ms)
    monitor.lock()
    _ = monitor.wait(untilMs: limit) { isStopping }
    monitor.unlock()
  }

  /// librdkafka lets go of every arena before this returns, unless in the background.
  private func closeHandle(inBackground: Bool = false) {
    if queue == nil { return }
    handleLock.lock()
    for topic in topicObjects.values { rd_kafka_topic_destroy(topic) }
    topicObjects.removeAll()
    rd_kafka_purge(
      handle.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
    monitor.locked {
      if let queue { rd_kafka_queue_destroy(queue) }
      queue = nil
    }
    handle.destroy(inBackground: inBackground)
    handleLock.unlock()
  }
}
