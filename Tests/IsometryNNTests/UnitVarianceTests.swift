import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryReference
import Testing

@testable import IsometryNN

@Suite struct UnitVarianceTests {
  private func images(_ network: some Network, count: Int) -> HostTensor {
    let shape = network.batchShape(count)
    return HostTensor(shape, RandomStream.image(shape.elementCount, seed: 8))
  }

  private func resolved(
    _ network: some Network, count: Int = 16, on backend: any Backend = ReferenceBackend<Float>()
  ) throws -> any Initializer {
    try InitializerRegistry.make("lsuv:images=\(count)").resolved(
      for: network, seed: 2, images: images(network, count: count), on: backend)
  }

  /// By hand, in Double: the variance of every layer's result over the batch.
  @Test func everyLayerOfAPerceptronHasVarianceOne() throws {
    let network = MultilayerPerceptron(
      depth: 4, width: 24, activation: .relu, imageShape: [3, 2, 3])
    let values = try resolved(network).values(for: network.layout, seed: 2)
    let batch = images(network, count: 16).doubles
    var x = Matrix(rows: 16, columns: 18, batch).transposed
    for layer in network.layout.layers {
      let weight = Matrix(
        rows: layer.weight.shape[0], columns: layer.weight.shape[1],
        try #require(values[layer.weight.name]))
      let y = weight * x
      let count = Double(y.elements.count)
      let mean = y.elements.reduce(0, +) / count
      let variance = y.elements.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / count
      #expect(abs(variance - 1) < 1e-4, "\(layer.weight.name)")
      x = Matrix(rows: y.rows, columns: y.columns, y.elements.map { max($0, 0) })
    }
  }

  /// Measured once more with the weights that it drew.
  @Test(arguments: SkipKind.allCases)
  func everyLayerOfAResidualNetworkHasVarianceOne(skip: SkipKind) throws {
    let network = ResidualNetwork(
      widths: [8, 12], depths: [2, 1], skip: skip, normalization: .none, imageShape: [3, 6, 6])
    let initializer = try resolved(network)
    var builder = network.makeBuilder(mode: .training)
    builder.measuresDeviations = true
    let x = builder.graph.input("images", network.batchShape(16))
    _ = network.append(x, to: &builder)
    let session = try ReferenceBackend<Float>().makeSession(for: builder.graph)
    try builder.layout.writeInitialState(to: session, initializer: initializer, seed: 2)
    try session.run(["images": images(network, count: 16)])
    for layer in builder.layout.layers {
      let name = layer.weight.name
      let variance = try session.read(output: NetworkBuilder.varianceOutput(of: name)).scalar
      #expect(abs(variance - 1) < 1e-4, "\(name)")
    }
  }

  /// A weight is an orthonormal matrix times a number.
  @Test func weightsStayOrthogonal() throws {
    let network = ResidualNetwork(
      widths: [8, 12], depths: [1, 1], normalization: .none, imageShape: [3, 6, 6])
    let values = try resolved(network).values(for: network.layout, seed: 2)
    for parameter in network.layout.parameters where parameter.role.isWeight {
      let elements = try #require(values[parameter.name])
      let matrix = Matrix(rows: parameter.shape[0], columns: parameter.fanIn, elements)
      let square = elements.map { $0 * $0 }.reduce(0, +)
      let gain = (square / Double(min(matrix.rows, matrix.columns))).squareRoot()
      #expect(matrix.distanceFromOrthonormal(gain: gain) < 1e-10)
    }
  }

  @Test(arguments: [NormalizationKind.none, .batch])
  func backendsMeasureAlike(normalization: NormalizationKind) throws {
    let network = ResidualNetwork(
      widths: [16, 32], depths: [1, 1], block: .bottleneck(expansion: 2),
      normalization: normalization, imageShape: [3, 8, 8])
    let layout = network.layout
    let reference = try resolved(network).values(for: layout, seed: 2)
    let other = try resolved(network, on: CPUBackend()).values(for: layout, seed: 2)
    for parameter in layout.parameters where parameter.role.isWeight {
      let (a, b) = try (#require(reference[parameter.name]), #require(other[parameter.name]))
      for (a, b) in zip(a, b) { #expect(abs(a - b) <= 1e-4 * abs(b), "\(parameter.name)") }
    }
  }

  @Test func withoutImagesThereIsNothingToDraw() throws {
    let layout = MultilayerPerceptron(depth: 1, width: 4).layout
    let initializer = try InitializerRegistry.make("lsuv")
    #expect(initializer.imagesNeeded == 32)
    #expect(throws: InitializationError.self) { try initializer.values(for: layout, seed: 1) }
  }

  @Test func imagesWithoutVarianceAreRefused() throws {
    let network = MultilayerPerceptron(depth: 2, width: 8, imageShape: [1, 2, 2])
    #expect(throws: InitializationError.self) {
      try InitializerRegistry.make("lsuv:images=2").resolved(
        for: network, seed: 1, images: HostTensor(zeros: TensorType([2, 1, 2, 2], .float32)),
        on: ReferenceBackend<Float>())
    }
  }
}
