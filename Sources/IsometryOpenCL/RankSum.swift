internal import DeviceRuntime
internal import IsometryCommunication
internal import IsometryLowering

/// One sum over all ranks of a step. Its numbers pass through pinned memory of the host, on the transfer queue.
///
/// The host of a rank that waits for a sum has first enqueued all launches that do not need it, so the device computes
/// meanwhile.
final class RankSum {
  private let places: [StorageLocation]
  private let memory: any RuntimePinnedMemory
  private let parts: [UnsafeMutableRawBufferPointer]
  private let collective: any Collective
  /// The end of the copies to the host, of a sum that MPI does not know yet.
  private var copied: Event?
  private var isUnderWay = false

  init(
    _ places: [StorageLocation], _ queue: any RuntimeQueue, _ ranks: any Communicator
  ) throws {
    self.places = places
    memory = try queue.makePinnedMemory(byteCount: places.map(\.byteCount).reduce(0, +))
    var parts: [UnsafeMutableRawBufferPointer] = []
    var offset = 0
    for place in places {
      parts.append(
        UnsafeMutableRawBufferPointer(rebasing: memory.bytes[offset..<offset + place.byteCount]))
      offset += place.byteCount
    }
    self.parts = parts
    collective = ranks.makeSum(of: memory.bytes.bindMemory(to: Float.self))
  }

  /// Enqueues the copies to the host, after the launches so far.
  func start(compute: any RuntimeQueue, transfers: any RuntimeQueue) throws {
    let made = try compute.completion()
    try compute.flush()
    try transfers.delay(until: made)
    for (place, part) in zip(places, parts) {
      let event = try transfers.fetch(place.slab, offset: place.offset, into: part)
      copied = consume event
    }
    try transfers.flush()
  }

  /// Gives the numbers to MPI once they are there. All ranks do so in the order of the starts.
  func begin() throws {
    guard let event = copied.take() else { return }
    try event.wait()
    collective.begin()
    isUnderWay = true
  }

  /// Waits for the sum, and enqueues the copies to the device before later launches.
  func wait(compute: any RuntimeQueue, transfers: any RuntimeQueue) throws {
    collective.wait()
    isUnderWay = false
    for (place, part) in zip(places, parts) {
      _ = try transfers.send(
        UnsafeRawBufferPointer(part), to: place.slab, offset: place.offset, after: nil)
    }
    let arrived = try transfers.completion()
    try transfers.flush()
    try compute.delay(until: arrived)
  }

  deinit { if isUnderWay { collective.wait() } }
}

/// The sums of a step, in the order in which they start.
final class RankSums {
  private let sums: [RankSum]
  private var started = 0
  private var begun = 0

  /// - Parameter places: those of each sum's numbers.
  init(
    _ places: [[StorageLocation]], _ queue: any RuntimeQueue, _ ranks: any Communicator
  ) throws {
    var sums: [RankSum] = []
    for places in places { sums.append(try RankSum(places, queue, ranks)) }
    self.sums = sums
  }

  func start(_ index: Int, compute: any RuntimeQueue, transfers: any RuntimeQueue) throws {
    if index == 0 { (started, begun) = (0, 0) }
    try sums[index].start(compute: compute, transfers: transfers)
    started = index + 1
  }

  func wait(_ index: Int, compute: any RuntimeQueue, transfers: any RuntimeQueue) throws {
    while begun < started {
      try sums[begun].begin()
      begun += 1
    }
    try sums[index].wait(compute: compute, transfers: transfers)
  }
}
