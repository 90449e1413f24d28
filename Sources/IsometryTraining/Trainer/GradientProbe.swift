package import IsometryCore
package import IsometryData
package import IsometryGraph
import IsometryNN

/// The parameters of a run and their gradients at a fixed batch, with the variables that training has on
/// the device. It only reads them, so a run has the same bits with and without it.
package final class GradientProbe {
  /// More images than this make the gradient only slightly more accurate.
  package static let largestBatch = 128

  package struct Measurement {
    /// The name of the parameter.
    package let name: String
    package let parameter: HostTensor
    /// The gradient of the mean loss, before clipping and weight decay; nil for a parameter that no
    /// training changes.
    package let gradient: HostTensor?
  }

  private let session: any Session
  private let layout: NetworkLayout
  private let inputs: [String: HostTensor]

  /// - Parameter train: the batch is its first images, as many as the run's batch but at most
  ///   `largestBatch`, without augmentation.
  /// - Throws: as `TrainingRun.init`.
  package init(_ run: TrainingRun, train: ImageDataset, backend: any Backend) throws {
    let batch = train.prefix(min(run.configuration.batch, Self.largestBatch))
    let gradients = GradientGraph(
      try run.configuration.makeNetwork(), batch: batch.count, statistics: train.normalization,
      labelSmoothing: run.configuration.labelSmoothing)
    layout = gradients.layout
    let session = try backend.makeSession(for: gradients.graph, sharing: run.session)
    self.session = session
    let types = session.graph.inputs.map { ($0.name, session.graph.type(of: $0.value)) }
    inputs = Dictionary(
      uniqueKeysWithValues: types.map { name, type in
        switch name {
        case StepNames.images: (name, HostTensor(type, bytes: batch.pixels))
        case StepNames.labels: (name, HostTensor([batch.count], batch.labels.map { Int32($0) }))
        default: (name, HostTensor(zeros: type))
        }
      })
  }

  /// All parameters, layer by layer.
  package func measure() throws -> [Measurement] {
    try session.run(inputs)
    return try layout.parameters.map { parameter in
      Measurement(
        name: parameter.name, parameter: try session.read(variable: parameter.name),
        gradient: parameter.trains
          ? try session.read(output: GradientGraph.name(ofGradient: parameter.name)) : nil)
    }
  }
}
