import Foundation
import IsometryFiles
import SwiftProtobuf
import TestSupport
import Testing

@testable import IsometryTensorBoard

@Suite struct EventFileTests {
  private static let picture = PNGImage(
    width: 3, height: 2, pixels: (0..<18).map { UInt8(14 * $0) })

  private static func writeAllKinds(in folder: String) throws -> String {
    let file = try EventFile(in: folder, startingAt: 0)
    let settings: [String: Hyperparameters.Setting] = [
      "lr": .number(0.4), "nesterov": .flag(true), "model": .text("resnet20"),
    ]
    try file.write(Hyperparameters(settings, metrics: ["epoch/test_loss"]).start, step: 0)
    try file.write(
      [
        .scalar("batch/loss", 2.5), .text("graph", "```\n%0 = input\n```"),
        .image("images/train", picture), .histogram("weight/a", Histogram([1, 2, 3, 4])),
      ], step: 0)
    try file.write(
      [
        .scalar("batch/loss", .nan), .scalar("norm/a", .infinity), .scalar("norm/b", -.infinity),
        .histogram("weight/a", Histogram([.nan, 5, 5, .infinity])),
        .histogram("weight/none", Histogram([.nan])),
        .histogram("weight/share", Histogram([-1e308, 1e308], weights: [1.5, 0.5])),
      ], step: 7)
    try file.write([Hyperparameters.end(isSuccess: true)], step: 7)
    return file.path
  }

  /// Every record's length and message have their checksums, and nothing is between records.
  @Test func recordsHaveTheirChecksums() throws {
    let folder = try TemporaryFolder()
    let bytes = try WholeFile.read(Self.writeAllKinds(in: folder.path))
    var position = 0
    var events: [WireEvent] = []
    func number(_ count: Int) -> UInt64 {
      defer { position += count }
      return bytes[position..<position + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while position < bytes.count {
      let header = bytes[position..<position + 8]
      let length = Int(number(8))
      #expect(number(4) == UInt64(CRC32C.masked(header)))
      let message = bytes[position..<position + length]
      position += length
      #expect(number(4) == UInt64(CRC32C.masked(message)))
      events.append(try WireEvent(serializedBytes: Array(message)))
    }
    #expect(events.count == 6)
    #expect(events[0].fileVersion == "brain.Event:2")
    #expect(events[1].sessionLog.status == .start)
    #expect(events[4].summary.value[0].simpleValue.isNaN)
    #expect(events[4].step == 7)
    #expect(events.allSatisfy { $0.wallTime > 1e9 })
  }

  @Test func histogramsCountFiniteNumbers() {
    let plain = Histogram([0, 0.5, 1, 3]).message
    #expect(plain.num == 4 && plain.sum == 4.5 && plain.sumSquares == 10.25)
    #expect(plain.bucket.reduce(0, +) == 4 && plain.bucketLimit.last == 3)
    #expect(zip(plain.bucketLimit, plain.bucketLimit.dropFirst()).allSatisfy { $0 < $1 })
    let single = Histogram([2, 2, .nan]).message
    #expect(single.bucket == [2] && single.bucketLimit == [2])
    #expect(Histogram([]).message == WireHistogram())
  }

  /// A file is never overwritten, also by a run that begins in the same second.
  @Test func aNewFileHasANameOfItsOwn() throws {
    let folder = try TemporaryFolder()
    let first = try EventFile(in: folder.path, startingAt: 0)
    let second = try EventFile(in: folder.path, startingAt: 3)
    #expect(first.path != second.path)
    #expect(throws: FileError.self) { try EventFile(in: folder.path + "/none", startingAt: 0) }
  }

  @Test(.enabled(if: Python.has("tensorboard"), "needs the Python package tensorboard"))
  func tensorBoardReadsAllKinds() throws {
    let folder = try TemporaryFolder()
    _ = try Self.writeAllKinds(in: folder.path)
    let outcome = try Python.run(script: "read_events.py", folder.path)
    #expect(outcome.status == 0, "\(outcome.lastErrorLine)")
    let read = try JSONDecoder().decode(ReadEvents.self, from: Data(outcome.standardOutput.utf8))
    #expect(
      read.scalars["batch/loss"] == [[.number(0), .number(2.5)], [.number(7), .text("nan")]])
    #expect(read.scalars["norm/a"] == [[.number(7), .text("inf")]])
    #expect(read.scalars["norm/b"] == [[.number(7), .text("-inf")]])
    #expect(read.histograms["weight/a"]?.map { $0[1] } == [4, 2])
    #expect(read.histograms["weight/share"]?.first?[1] == 2)
    #expect(read.images["images/train"] == [[3, 2]])
    #expect(read.texts["graph/text_summary"] == "```\n%0 = input\n```")
    #expect(read.metrics == ["epoch/test_loss"])
    #expect(
      read.settings == ["lr": .number(0.4), "nesterov": .flag(true), "model": .text("resnet20")])
    #expect(read.status == 1)
  }
}

/// The output of scripts/reference/read_events.py.
private struct ReadEvents: Decodable {
  enum Value: Decodable, Equatable {
    case number(Double)
    case flag(Bool)
    case text(String)

    init(from decoder: any Swift.Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        self = .flag(flag)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  let scalars: [String: [[Value]]]
  let histograms: [String: [[Double]]]
  let images: [String: [[Int]]]
  let texts: [String: String]
  let metrics: [String]
  let settings: [String: Value]
  let status: Int
}
