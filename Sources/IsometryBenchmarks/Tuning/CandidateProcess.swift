import Foundation
import Glibc
import IsometryFiles
package import IsometryGraph
package import IsometryTraining

/// Measures tiles for the tuner.
package protocol CandidateMeasuring: AnyObject {
  /// - Parameter limit: the longest time to wait, in seconds.
  /// - Throws: `CandidateProcess.Trouble` if the call site cannot be measured at all.
  func measure(_ request: CandidateTrial.Request, limit: Double) throws -> CandidateOutcome
}

package enum CandidateOutcome: Equatable, Sendable {
  case times(tile: Double, preferred: Double, ratio: Double)
  /// The tile must not be used: it does not build, gives wrong results, or crashes.
  case failure(String)
  case late
  case stopped
}

/// A process that measures tiles. It is started when it is needed, and again after a crash.
package final class CandidateProcess: CandidateMeasuring {
  /// The call site cannot be measured with any tile.
  package struct Trouble: Error, CustomStringConvertible {
    package let site: TileSite
    package let reason: String
    package var description: String { "\(site) cannot be measured: \(reason)" }
  }

  private struct Child {
    let process: Process
    /// This end of the process's standard input and output.
    let socket: FileHandle
    /// This end of its standard error.
    let errors: FileHandle
  }

  private let executable: String
  private let arguments: [String]
  private let greeting: [UInt8]
  private let stop: StopRequest
  private let patience: Double
  private var child: Child?
  private var received: [UInt8] = []
  /// The last bytes that the process wrote to standard error.
  private var complaints: [UInt8] = []

  /// - Parameters:
  ///   - greeting: the first line that the process reads.
  ///   - stop: checked while the process works on an answer.
  ///   - patience: how long a process that is no longer needed, and what it started, may continue, in
  ///     seconds.
  package init(
    executable: String, arguments: [String], greeting: some Encodable, stop: StopRequest,
    patience: Double = 10
  ) throws {
    self.executable = executable
    self.arguments = arguments
    self.greeting = try Self.line(greeting)
    self.stop = stop
    self.patience = patience
  }

  deinit { end() }

  package func measure(
    _ request: CandidateTrial.Request, limit: Double
  ) throws -> CandidateOutcome {
    // Messages about earlier tiles do not belong to this one.
    if let child { hearComplaints(of: child) }
    complaints = []
    let child = try self.child ?? start()
    let deadline = ContinuousClock.now + .seconds(limit)
    var isReady = false
    // If the process has ended, reading its answer shows it.
    send(try Self.line(request), to: child)
    while true {
      if let line = nextLine() {
        switch try? JSONFile.decode(CandidateTrial.Answer.self, from: line) {
        case .ready: isReady = true
        case .times(let tile, let preferred, let ratio):
          return .times(tile: tile, preferred: preferred, ratio: ratio)
        case .failure(let reason): return .failure(reason)
        case .trouble(let reason): throw Trouble(site: request.site, reason: reason)
        case nil: break  // what a driver prints is no answer
        }
        continue
      }
      hearComplaints(of: child)
      if stop.isRequested || ContinuousClock.now >= deadline {
        end()
        return stop.isRequested ? .stopped : .late
      }
      if receive(from: child) { continue }
      let reason = end()
      if stop.isRequested { return .stopped }
      guard isReady else {
        throw Trouble(site: request.site, reason: "with the default tile the process \(reason)")
      }
      return .failure("the process \(reason)")
    }
  }

  private func start() throws -> Child {
    let (conversation, errors) = (try makeSockets(), try makeSockets())
    // Foundation gives the process a separate group: Ctrl-C is for the parent; a driver's compilers end
    // with the group.
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.standardInput = conversation.theirs
    process.standardOutput = conversation.theirs
    // The parent prints warnings, once. The text before a crash may give its reason.
    process.standardError = errors.theirs
    try process.run()
    // The process has copies. With them it also closes the connection.
    try conversation.theirs.close()
    try errors.theirs.close()
    let child = Child(process: process, socket: conversation.ours, errors: errors.ours)
    self.child = child
    received = []
    send(greeting, to: child)
    return child
  }

  /// A pair of connected sockets, which other children of this process do not inherit.
  private func makeSockets() throws(FileError) -> (ours: FileHandle, theirs: FileHandle) {
    var sockets: [Int32] = [-1, -1]
    guard
      socketpair(
        AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &sockets) == 0
    else { throw .last(path: executable, action: "start") }
    let handles = sockets.map { FileHandle(fileDescriptor: $0, closeOnDealloc: true) }
    return (handles[0], handles[1])
  }

  /// Lets the process finish its work, because a driver that is killed may leave its caches damaged.
  ///
  /// - Returns: how the process ended, in words, and its last messages.
  @discardableResult
  private func end() -> String {
    guard let child else { return "was not there" }
    self.child = nil
    try? child.socket.close()
    let process = child.process
    let deadline = ContinuousClock.now + .seconds(patience)
    while process.isRunning {
      hearComplaints(of: child)
      let late = ContinuousClock.now - deadline
      let pid = process.processIdentifier
      if late >= .zero, kill(-pid, SIGKILL) != 0 { kill(pid, SIGKILL) }
      // Foundation waits for what the process started, which may have left the group.
      if late >= .seconds(patience) { return "did not end" }
      usleep(5_000)
    }
    hearComplaints(of: child)
    let end =
      process.terminationReason == .exit
      ? "ended with exit code \(process.terminationStatus)"
      : "was ended by signal \(process.terminationStatus)"
    let lines = String(decoding: complaints, as: UTF8.self).split(whereSeparator: \.isNewline)
      .suffix(Self.reportedLines)
    return lines.isEmpty ? end : "\(end); its last words: \(lines.joined(separator: " / "))"
  }

  /// Reads the standard error of the process, which would otherwise block, and keeps its end. It
  /// reads at most as much as a socket holds, so that a process that writes without end can be
  /// stopped.
  private func hearComplaints(of child: Child) {
    var block = [UInt8](repeating: 0, count: 1 << 12)
    for _ in 0..<64 {
      let count = recv(child.errors.fileDescriptor, &block, block.count, Int32(MSG_DONTWAIT))
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return }
      complaints += block[..<count]
      complaints.removeFirst(max(0, complaints.count - Self.keptBytes))
    }
  }

  private static let reportedLines = 3
  private static let keptBytes = 1 << 10

  /// A closed socket sends no signal here, unlike a closed pipe.
  private func send(_ bytes: [UInt8], to child: Child) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          child.socket.fileDescriptor, $0.baseAddress! + done, bytes.count - done,
          Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return }
      done += count
    }
  }

  /// The next whole line that was received; nil if there is none.
  private func nextLine() -> [UInt8]? {
    guard let newline = received.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer { received.removeFirst(newline + 1) }
    return Array(received[..<newline])
  }

  /// Waits a moment for bytes of the process.
  ///
  /// - Returns: false if the process has closed its end.
  private func receive(from child: Child) -> Bool {
    let socket = child.socket.fileDescriptor
    var poll = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, Self.pollMilliseconds) > 0 else { return true }
    var block = [UInt8](repeating: 0, count: 1 << 12)
    let count = recv(socket, &block, block.count, 0)
    if count < 0 { return errno == EINTR }
    received += block[..<count]
    return count > 0
  }

  private static let pollMilliseconds: Int32 = 50

  private static func line(_ value: some Encodable) throws -> [UInt8] {
    Array("\(try JSONFile.line(value))\n".utf8)
  }
}
