internal import IsometryCommunication
internal import IsometryLowering
internal import OpenCLRuntime

/// One sum over all ranks of a step. Its numbers pass through pinned memory of the host, on the transfer queue.
///
/// The host of a rank that waits for a sum has first enqueued all launches that do not need it, so the device computes
/// meanwhile.
final class RankSum {
  private let places: [StorageLocation]
  private let memory: PinnedMemory
  private let parts: [UnsafeMutableRawBufferPointer]
  private let collective: any Collective
  /// The end of the copies to the host, of a sum that MPI does not know yet.
  private var copied: Event?
  private var isUnderWay = false

  init(
    _ places: [StorageLocation], _ queue: CommandQueue, _ ranks: any Communicator
  ) throws(OpenCLError) {
    self.places = places
    memory = try PinnedMemory(queue, byteCount: places.map(\.byteCount).reduce(0, +))
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
  func start(compute: CommandQueue, transfers: CommandQueue) throws(OpenCLError) {
    let made: Event? = try compute.marker()
    try compute.flush()
    for (place, part) in zip(places, parts) {
      let event = try transfers.read(place.slab, offset: place.offset, into: part, after: made)
      copied = consume event
    }
    try transfers.flush()
  }

  /// Gives the numbers to MPI once they are there. All ranks do so in the order of the starts.
  func begin() throws(OpenCLError) {
    guard let event = copied.take() else { return }
    try event.wait()
    collective.begin()
    isUnderWay = true
  }

  /// Waits for the sum, and enqueues the copies to the device before later launches.
  func wait(compute: CommandQueue, transfers: CommandQueue) throws(OpenCLError) {
    collective.wait()
    isUnderWay = false
    for (place, part) in zip(places, parts) {
      try transfers.write(UnsafeRawBufferPointer(part), to: place.slab, offset: place.offset)
    }
    let arrived: Event = try transfers.marker()
    try transfers.flush()
    try compute.wait(for: arrived)
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
    _ places: [[StorageLocation]], _ queue: CommandQueue, _ ranks: any Communicator
  ) throws(OpenCLError) {
    var sums: [RankSum] = []
    for places in places { sums.append(try RankSum(places, queue, ranks)) }
    self.sums = sums
  }

  func start(_ index: Int, compute: CommandQueue, transfers: CommandQueue) throws(OpenCLError) {
    if index == 0 { (started, begun) = (0, 0) }
    try sums[index].start(compute: compute, transfers: transfers)
    started = index + 1
  }

  func wait(_ index: Int, compute: CommandQueue, transfers: CommandQueue) throws(OpenCLError) {
    while begun < started {
      try sums[begun].begin()
      begun += 1
    }
    try sums[index].wait(compute: compute, transfers: transfers)
  }
}
