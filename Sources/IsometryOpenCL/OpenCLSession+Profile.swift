internal import DeviceRuntime
package import IsometryCore
package import IsometryGraph
internal import IsometryLowering

extension OpenCLSession {
  package func profiledStep(
    from slot: any StagingSlot
  ) throws -> () throws -> [TimedCommand] {
    guard let slot = slot as? OpenCLStagingSlot else {
      preconditionFailure("a step takes a slot that its session made")
    }
    pauseIdleClock()
    let commands = try device.withProfilingQueues { queues in try enqueue(slot, on: queues) }
    return { [commands] in try commands.map { try $0.time() } }
  }

  private func enqueue(
    _ slot: OpenCLStagingSlot, on queues: SharedDevice.ProfilingQueues
  ) throws -> [PendingCommand] {
    let queue = queues.compute
    var commands: [PendingCommand] = []
    if let inputs = binding.inputs,
      let submission = try slot.submit(transfers: queues.transfer, compute: queue, to: inputs)
    {
      commands += [
        PendingCommand(
          name: "inputs to device", track: .transfer, launch: nil, byteCount: inputs.byteCount,
          event: try submission.sent.shared()),
        PendingCommand(
          name: "inputs in place", track: .compute, launch: nil, byteCount: 2 * inputs.byteCount,
          event: try submission.taken.shared()),
      ]
    }
    for (index, launch) in binding.launches.enumerated() {
      var before: Event?
      let event: Event
      switch launch {
      case .kernel(let kernel, let geometry):
        event = try queue.enqueueTimed(kernel, geometry)
      case .product(let product):
        before = try queue.completion()
        try product.enqueue(on: queue)
        event = try queue.completion()
      case .sum(let half, let index):
        before = try queue.completion()
        try enqueue(half, ofSum: index, on: queue)
        event = try queue.completion()
      }
      commands.append(
        PendingCommand(
          name: binding.memory.launches[index], track: .compute, launch: index,
          byteCount: launchWork[index].byteCount, before: before.take(), event: event))
    }
    return commands
  }
}

/// A command on its way, with the events that give its times.
private final class PendingCommand {
  let name: String
  let track: TimedCommand.Track
  let launch: Int?
  let byteCount: Int
  /// The end of all earlier commands, if a library gives no event for all of its launches; nil if
  /// `event` is the command's own.
  let before: Event?
  let event: Event

  init(
    name: String, track: TimedCommand.Track, launch: Int?, byteCount: Int,
    before: consuming Event? = nil, event: consuming Event
  ) {
    self.name = name
    self.track = track
    self.launch = launch
    self.byteCount = byteCount
    self.before = before
    self.event = event
  }

  func time() throws -> TimedCommand {
    let preparation: (queued: Double, submitted: Double)
    let interval: ClosedRange<Double>
    switch before {
    case nil:
      (preparation, interval) = (try event.preparation, try event.interval)
    case let before?:
      let (start, end) = (try before.interval.upperBound, try event.interval.upperBound)
      (preparation, interval) = (try before.preparation, start...max(start, end))
    }
    return TimedCommand(
      name: name, track: track, launch: launch, byteCount: byteCount,
      queued: preparation.queued, submitted: preparation.submitted,
      start: interval.lowerBound, end: interval.upperBound)
  }
}
