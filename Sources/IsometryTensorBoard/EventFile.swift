internal import Glibc
package import IsometryFiles
internal import SwiftProtobuf

/// A file of events for TensorBoard, `events.out.tfevents.<seconds>.<host>.<process>.<number>`. Each event
/// is a record: its length, the length's checksum, the message, and the message's checksum.
///
/// - Source: TensorFlow's `record_writer.cc` and `events_writer.cc`.
package final class EventFile {
  package let path: String
  private let descriptor: Int32

  /// Makes a new file. Events of the folder's older files after `step` no longer count.
  ///
  /// - Throws: `FileError`.
  package init(in folder: String, startingAt step: Int) throws(FileError) {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    // TensorBoard reads files in the order of their names.
    let base = "\(folder)/events.out.tfevents.\(Int(Self.time)).\(host).\(getpid())"
    var (path, descriptor, number) = ("", Int32(-1), 0)
    repeat {
      path = "\(base).\(number)"
      descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
      number += 1
    } while descriptor < 0 && errno == EEXIST
    guard descriptor >= 0 else { throw .last(path: path, action: "create") }
    (self.path, self.descriptor) = (path, descriptor)
    try write([
      Self.event { $0.fileVersion = "brain.Event:2" },
      Self.event {
        // TensorBoard drops events from this step on.
        $0.step = Int64(step == 0 ? 0 : step + 1)
        $0.sessionLog.status = .start
      },
    ])
  }

  deinit { close(descriptor) }

  /// Appends one event with these summaries, after `step` steps of the run.
  ///
  /// - Throws: `FileError`.
  package func write(_ summaries: [Summary], step: Int) throws(FileError) {
    try write([
      Self.event {
        $0.step = Int64(step)
        $0.summary.value = summaries.map(\.value)
      }
    ])
  }

  private func write(_ events: [WireEvent]) throws(FileError) {
    let code = WholeFile.writeAll(events.flatMap(Self.record), to: descriptor)
    guard code == 0 else { throw FileError(path: path, action: "write", code: code) }
  }

  private static func event(_ fill: (inout WireEvent) -> Void) -> WireEvent {
    var event = WireEvent()
    event.wallTime = time
    fill(&event)
    return event
  }

  private static func record(_ event: WireEvent) -> [UInt8] {
    let message = event.bytes
    func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { [UInt8]($0) }
    }
    let length = bytes(UInt64(message.count))
    return length + bytes(CRC32C.masked(length)) + message + bytes(CRC32C.masked(message))
  }

  /// Seconds since 1970.
  static var time: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

extension Message {
  /// Serialization fails only for messages with required fields, or of more than 2 GiB.
  var bytes: [UInt8] { try! serializedBytes() }
}
