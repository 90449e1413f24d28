import IsometryFiles
package import IsometryGraph

/// The times of the commands of some steps, with the launch or the bytes of each.
package struct Timeline: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    /// From 1.
    package let step: Int
    package let command: TimedCommand
    /// The operation that the launch is part of; nil for copies of inputs.
    package let operation: String?
    package let variant: String?
    /// Operations of arithmetic. An operation's are those of the longest of its launches.
    package let operations: Int
  }

  package struct Kind: Sendable, Equatable {
    package let name: String
    package let launchesPerStep: Double
    package let secondsPerStep: Double
    /// Of the time of all launches.
    package let share: Double
    package let operationsPerSecond: Double
    package let bytesPerSecond: Double
  }

  package let entries: [Entry]
  private let stepCount: Int

  /// - Parameter steps: the commands of each step; `launch` counts within `work`.
  init(steps: [[TimedCommand]], graph: Graph, work: [LaunchWork]) {
    stepCount = steps.count
    entries = steps.enumerated().flatMap { index, commands in
      let launches = commands.filter { $0.launch != nil }
      let longest = Dictionary(grouping: launches) { work[$0.launch!].node }
        .mapValues { $0.max { $0.seconds < $1.seconds }?.launch }
      return commands.map { command in
        let node = command.launch.map { graph.nodes[work[$0].node] }
        let counts = command.launch.map { longest[work[$0].node] == $0 } ?? false
        return Entry(
          step: index + 1, command: command, operation: node?.operation.name,
          variant: command.launch.map { work[$0].variant },
          operations: counts ? node.map { graph.cost(of: $0).floatingPointOperations } ?? 0 : 0)
      }
    }
  }

  package var kinds: [Kind] {
    let launches = entries.filter { $0.command.launch != nil }
    let total = launches.map(\.command.seconds).reduce(0, +)
    return Dictionary(grouping: launches, by: \.kind).map { name, entries in
      let seconds = entries.map(\.command.seconds).reduce(0, +)
      func rate(_ amount: (Entry) -> Int) -> Double {
        seconds > 0 ? Double(entries.map(amount).reduce(0, +)) / seconds : 0
      }
      return Kind(
        name: name, launchesPerStep: Double(entries.count) / Double(stepCount),
        secondsPerStep: seconds / Double(stepCount), share: total > 0 ? seconds / total : 0,
        operationsPerSecond: rate(\.operations), bytesPerSecond: rate(\.command.byteCount))
    }.sorted { ($0.secondsPerStep, $1.name) > ($1.secondsPerStep, $0.name) }
  }
}

extension Timeline.Entry {
  package var kind: String { String(command.name.prefix { $0 != " " }) }
}

extension Timeline {
  /// The timeline in Chrome's trace format, which Perfetto and chrome://tracing open: times in
  /// microseconds from the first of all, one process for the device, a thread for each track.
  ///
  /// - Source: Google, "Trace Event Format".
  package func trace(device: String, title: String) -> String {
    let first =
      entries.flatMap { [$0.command.start, $0.command.queued ?? $0.command.start] }.min() ?? 0
    func microseconds(_ time: Double) -> JSONValue {
      .number(((time - first) * 1e9).rounded() / 1e3)
    }
    var events: [JSONValue] = [
      [
        "name": "process_name", "ph": "M", "pid": 1, "tid": 0,
        "args": ["name": .text("\(device): \(title)")],
      ]
    ]
    func thread(_ track: TimedCommand.Track) -> JSONValue { track == .transfer ? 1 : 2 }
    let used = Set(entries.map(\.command.track))
    for track in TimedCommand.Track.allCases where used.contains(track) {
      events.append([
        "name": "thread_name", "ph": "M", "pid": 1, "tid": thread(track),
        "args": ["name": .text(track.rawValue)],
      ])
    }
    for entry in entries {
      let command = entry.command
      var arguments: [JSONValue.Member] = [
        .init("step", .integer(entry.step)), .init("bytes", .integer(command.byteCount)),
        .init("flops", .integer(entry.operations)),
      ]
      if let operation = entry.operation { arguments.append(.init("operation", .text(operation))) }
      if let variant = entry.variant { arguments.append(.init("variant", .text(variant))) }
      if let queued = command.queued { arguments.append(.init("queued", microseconds(queued))) }
      if let submitted = command.submitted {
        arguments.append(.init("submitted", microseconds(submitted)))
      }
      let duration = (command.seconds * 1e9).rounded() / 1e3
      events.append([
        "name": .text(command.name), "cat": .text(entry.kind), "ph": "X",
        "ts": microseconds(command.start), "dur": .number(duration), "pid": 1,
        "tid": thread(command.track), "args": .object(arguments),
      ])
    }
    return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
      + events.map(\.line).joined(separator: ",\n") + "\n]}\n"
  }
}
