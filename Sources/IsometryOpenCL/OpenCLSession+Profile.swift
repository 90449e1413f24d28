#if OpenCL
  package import IsometryCore
  package import IsometryGraph
  internal import OpenCLRuntime

  extension OpenCLSession {
    package func profiledStep(
      from slot: any StagingSlot
    ) throws -> () throws -> [TimedCommand] {
      guard let slot = slot as? OpenCLStagingSlot else {
        preconditionFailure("a step takes a slot that its session made")
      }
      let queue = device.computeQueue
      var commands: [PendingCommand] = []
      if let inputs = binding.inputs,
        let (sent, taken) = try slot.submit(
          transfers: device.transferQueue, compute: queue, to: inputs)
      {
        commands += [
          PendingCommand(
            name: "inputs to device", track: .transfer, launch: nil, byteCount: inputs.byteCount,
            timing: .event(sent)),
          PendingCommand(
            name: "inputs in place", track: .compute, launch: nil, byteCount: 2 * inputs.byteCount,
            timing: .event(taken)),
        ]
      }
      for (index, step) in binding.steps.enumerated() {
        let timing: PendingCommand.Timing
        switch step {
        case .launch(let kernel, let geometry):
          timing = .event(try queue.timedLaunch(kernel, geometry))
        case .product(let product):
          let before = try queue.marker()
          try product.enqueue(on: queue)
          timing = .between(before, try queue.marker())
        }
        commands.append(
          PendingCommand(
            name: report.launches[index], track: .compute, launch: index,
            byteCount: launchWork[index].byteCount, timing: timing))
      }
      try queue.flush()
      pauseIdleClock()
      return { [commands] in try commands.map { try $0.time() } }
    }
  }

  /// A command on its way, with what will tell its times.
  private struct PendingCommand {
    enum Timing {
      case event(Event)
      /// The end of all that came before, and of the command: a library gives no event for the whole
      /// of what it launches.
      case between(Event, Event)
    }

    let name: String
    let track: TimedCommand.Track
    let launch: Int?
    let byteCount: Int
    let timing: Timing

    func time() throws(OpenCLError) -> TimedCommand {
      let preparation: (queued: Double, submitted: Double)
      let interval: ClosedRange<Double>
      switch timing {
      case .event(let event):
        (preparation, interval) = (try event.preparation, try event.interval)
      case .between(let before, let after):
        let (start, end) = (try before.interval.upperBound, try after.interval.upperBound)
        (preparation, interval) = (try before.preparation, start...max(start, end))
      }
      return TimedCommand(
        name: name, track: track, launch: launch, byteCount: byteCount,
        queued: preparation.queued, submitted: preparation.submitted,
        start: interval.lowerBound, end: interval.upperBound)
    }
  }
#endif
