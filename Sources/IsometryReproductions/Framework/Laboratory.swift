import IsometryCore
package import IsometryData
package import IsometryGraph
package import IsometryTraining

/// Where cells are measured: a device, images, and a place for what a measurement must keep.
package final class Laboratory {
  package let backend: any Backend
  package let source: DatasetSource
  /// The choice of images, as `DatasetSource.resolve` takes it.
  package let data: String
  /// Looked at by every measurement that takes long.
  package let stop: StopRequest
  private let tell: (String) -> Void
  private var loaded: [Split: ImageDataset] = [:]

  private struct Split: Hashable {
    let split: DatasetSplit
    let limit: Int?
  }

  /// Where the cell under way keeps what it needs to go on; nil to keep nothing.
  var runPath: String?

  /// - Parameter tell: takes how far a measurement has come, in a few words.
  package init(
    backend: any Backend, source: DatasetSource, data: String, stop: StopRequest = StopRequest(),
    tell: @escaping (String) -> Void = { _ in }
  ) {
    self.backend = backend
    self.source = source
    self.data = data
    self.stop = stop
    self.tell = tell
  }

  /// The first images of a split, all of them for no limit; read once.
  ///
  /// - Throws: `DatasetError`.
  func images(_ split: DatasetSplit, limit: Int?) throws -> ImageDataset {
    let key = Split(split: split, limit: limit)
    if let images = loaded[key] { return images }
    let images = try source.load(split, limit: limit).images
    loaded[key] = images
    return images
  }

  func report(_ progress: String) { tell(progress) }

  /// - Throws: `ReproductionStopped` where it was asked for.
  func checkStop() throws {
    if stop.isRequested { throw ReproductionStopped() }
  }
}
