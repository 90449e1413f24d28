import DeviceRuntime
import IsometryCore
import OpenCLRuntime

let queueQuestions = [
  Question(
    key: "enqueue-cost", text: "What do 1,000 launches of an empty kernel cost?",
    ask: enqueueCost),
  Question(
    key: "copy-compute-overlap",
    text: "Does a copy from pinned memory overlap with computation (two queues)?",
    ask: copyComputeOverlap),
]

private func enqueueCost(_ bench: Bench) throws -> Answer {
  let launches = 1000
  let queue = try CommandQueue(bench.context)
  let value = try Buffer(bench.context, byteCount: 4)
  let kernel = try bench.kernel("probe_touch", of: .ceilings, value)
  let geometry = LaunchGeometry(groups: [1, 1, 1], local: [1, 1, 1])
  try queue.clear(value)
  try queue.finish()

  var runs = 0
  func launchAll(on queue: CommandQueue) throws -> (total: Double, enqueueing: Double) {
    var enqueueing = Double.infinity
    let total = try bench.wallSeconds {
      let start = now()
      for _ in 0..<launches { try queue.launch(kernel, geometry) }
      enqueueing = min(enqueueing, now() - start)
      try queue.finish()
      runs += 1
    }
    return (total, enqueueing)
  }
  let (total, enqueueing) = try launchAll(on: queue)
  let (profiling, _) = try launchAll(on: bench.queue)
  let found = try queue.download(value, count: 1, of: UInt32(0))
  guard found[0] == UInt32(launches * runs) else {
    return Answer(value: .failed("\(found[0]) of \(launches * runs) launches took effect"))
  }

  let trips = 100
  let roundTrips = try bench.wallSeconds {
    for _ in 0..<trips {
      try queue.launch(kernel, geometry)
      try queue.finish()
    }
  }
  let readings = try bench.wallSeconds {
    for _ in 0..<trips { _ = try queue.download(value, count: 1, of: UInt32(0)) }
  }
  let perLaunch = 1e6 / Double(launches)
  var answer = Answer(value: .measured(total * perLaunch, unit: "µs a launch"))
  answer.add("host, to enqueue", enqueueing * perLaunch, "µs a launch")
  answer.add("on a queue with event times", profiling * perLaunch, "µs a launch")
  answer.add("launch and wait", roundTrips * 1e6 / Double(trips), "µs")
  answer.add("reading four bytes", readings * 1e6 / Double(trips), "µs")
  return answer
}

private func copyComputeOverlap(_ bench: Bench) throws -> Answer {
  let byteCount = min(bench.byteCount, 256 << 20)
  let transfers = try CommandQueue(bench.context)
  let buffer = try Buffer(bench.context, byteCount: byteCount)
  let pinned = try PinnedMemory(transfers, byteCount: byteCount)
  pinned.bytes.initializeMemory(as: UInt8.self, repeating: 1)
  let pageable = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 4096)
  defer { pageable.deallocate() }
  pageable.initializeMemory(as: UInt8.self, repeating: 1)

  func copy(_ memory: UnsafeMutableRawBufferPointer) throws {
    try transfers.write(UnsafeRawBufferPointer(memory), to: buffer)
    try transfers.flush()
  }
  let copying = try bench.wallSeconds {
    try copy(pinned.bytes)
    try transfers.finish()
  }

  // Computation that lasts as long as the copy, on as many compute units.
  let groups = bench.device.computeUnits * 8
  let sums = try Buffer(bench.context, byteCount: 4 * 256 * groups)
  let kernel = try bench.multiplyAddKernel(chains: 8, lanes: 1, sums: sums)
  let geometry = LaunchGeometry(groups: [groups, 1, 1], local: [256, 1, 1])
  _ = try bench.scaled(kernel, geometry, rounds: 3, to: copying)
  let computing = try bench.wallSeconds {
    try bench.queue.launch(kernel, geometry)
    try bench.queue.finish()
  }

  /// Both at once from some host memory: their wall time, and the share of the shorter that was
  /// hidden behind the longer.
  func both(_ memory: UnsafeMutableRawBufferPointer) throws -> (seconds: Double, hidden: Double) {
    let seconds = try bench.wallSeconds {
      try bench.queue.launch(kernel, geometry)
      try bench.queue.flush()
      try copy(memory)
      try transfers.finish()
      try bench.queue.finish()
    }
    let hidden = (copying + computing - seconds) / min(copying, computing)
    return (seconds, max(min(hidden, 1), 0))
  }
  let withPinned = try both(pinned.bytes)
  let withPageable = try both(pageable)

  var answer = Answer(value: withPinned.hidden > 0.5 ? .yes : .no)
  answer.add("hidden share of the shorter", withPinned.hidden, "")
  answer.add("copy alone", copying * 1e3, "ms")
  answer.add("computation alone", computing * 1e3, "ms")
  answer.add("both at once", withPinned.seconds * 1e3, "ms")
  answer.add("both, from pageable memory", withPageable.seconds * 1e3, "ms")
  return answer
}
