import Foundation
import IsometryCore
import Synchronization

@testable import IsometryData

/// Runs `body` with a new folder, and removes the folder.
@discardableResult
func withFolder<Result>(_ body: (_ path: String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// The names in a folder, hidden ones included, sorted.
func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

/// Images that tell their index: every byte of image n is n mod 251, its label n mod 10.
func makeNumberedImages(_ count: Int, split: DatasetSplit = .train) -> ImageDataset {
  ImageDataset(
    split: split,
    pixels: (0..<count).flatMap {
      [UInt8](repeating: UInt8($0 % 251), count: CIFAR10.bytesPerImage)
    },
    labels: (0..<count).map { UInt8($0 % 10) }, classNames: CIFAR10.classNames,
    origin: "numbered images", normalization: CIFAR10.normalization)
}

/// A slot in plain memory, which counts waits and can be made to look as if a device still read it.
final class TestSlot: StagingSlot {
  private nonisolated(unsafe) let images: UnsafeMutableRawBufferPointer
  private nonisolated(unsafe) let labels: UnsafeMutableRawBufferPointer
  /// Of a graph that has this input.
  private nonisolated(unsafe) let origins: UnsafeMutableRawBufferPointer?
  private let isBusy = Mutex(false)
  private let waits = Mutex(0)

  init(batchSize: Int, hasOrigins: Bool = false) {
    images = .allocate(byteCount: batchSize * CIFAR10.bytesPerImage, alignment: 64)
    labels = .allocate(byteCount: batchSize * 4, alignment: 64)
    origins = hasOrigins ? .allocate(byteCount: batchSize * 8, alignment: 64) : nil
    _ = images.initializeMemory(as: UInt8.self, repeating: 0xEE)
  }

  deinit {
    images.deallocate()
    labels.deallocate()
    origins?.deallocate()
  }

  static func make(_ count: Int, batchSize: Int) -> [TestSlot] {
    (0..<count).map { _ in TestSlot(batchSize: batchSize) }
  }

  func bytes(of input: String) -> UnsafeMutableRawBufferPointer {
    switch input {
    case "images": images
    case "labels": labels
    case "origins" where origins != nil: origins!
    default: preconditionFailure("no input \(input)")
    }
  }

  func hasInput(_ name: String) -> Bool {
    name == "images" || name == "labels" || name == "origins" && origins != nil
  }

  func waitUntilReusable() {
    waits.withLock { $0 += 1 }
    while isBusy.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.001) }
  }

  var waitCount: Int { waits.withLock { $0 } }

  func setBusy(_ value: Bool) {
    isBusy.withLock { $0 = value }
  }
}

extension BatchStream.Batch {
  var labels: [Int32] { Array(slot.bytes(of: "labels").bindMemory(to: Int32.self)) }

  /// The first byte of each image: for numbered images their index.
  var firstBytes: [UInt8] {
    let bytes = slot.bytes(of: "images")
    return stride(from: 0, to: bytes.count, by: CIFAR10.bytesPerImage).map { bytes[$0] }
  }
}
