import IsometryCore
package import IsometryData
package import IsometryGraph
package import IsometryTraining

/// The means of measuring cells: a device, images, and a place for what a measurement must keep.
package final class Laboratory {
  package let backend: any Backend
  package let source: DatasetSource
  /// The choice of images, as `DatasetSource.resolve` takes it.
  package let data: String
  /// Looked at by every measurement that takes long.
  package let stop: StopRequest
  /// Takes how far a measurement has come, in a few words.
  let report: (String) -> Void
  /// By split and limit.
  private var loaded: [DatasetSplit: [Int?: ImageDataset]] = [:]

  /// The folder in which the current cell keeps its state, to be resumed; nil to keep nothing.
  var runPath: String?

  package init(
    backend: any Backend, source: DatasetSource, data: String, stop: StopRequest = StopRequest(),
    report: @escaping (String) -> Void = { _ in }
  ) {
    self.backend = backend
    self.source = source
    self.data = data
    self.stop = stop
    self.report = report
  }

  /// The first images of a split, all of them for no limit; read once.
  ///
  /// - Throws: `DatasetError`.
  func images(_ split: DatasetSplit, limit: Int?) throws -> ImageDataset {
    if let images = loaded[split]?[limit] { return images }
    let images = try source.load(split, limit: limit).images
    loaded[split, default: [:]][limit] = images
    return images
  }

  /// - Throws: `ReproductionStopped` if a stop was requested.
  func checkStop() throws {
    if stop.isRequested { throw ReproductionStopped() }
  }
}
