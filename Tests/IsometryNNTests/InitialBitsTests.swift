import CLAPACK
import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN
import TestSupport
import Testing

/// One seed gives the same bits, whatever computes them and wherever they go.
@Suite struct InitialBitsTests {
  /// A small network that an initializer is for.
  private static func network(_ initializer: any Initializer) -> any Network {
    switch type(of: initializer).name {
    case "universal":
      UniformResidualNetwork(
        .dense, depth: 2, width: 100, activation: .tanh, imageShape: [3, 8, 8])
    case "critical":
      MultilayerPerceptron(depth: 3, width: 100, activation: .tanh, imageShape: [3, 8, 8])
    case "dirac": SpeedrunNetwork(widths: [8, 12], hasFixedStem: true, imageShape: [3, 8, 8])
    case let name:
      ResidualNetwork(
        widths: [64, 128], depths: [1, 1], skip: .convolution,
        normalization: name == "zero-gamma" ? .batch : .none, traits: initializer.blockTraits,
        imageShape: [3, 8, 8])
    }
  }

  /// The initializer of a name; one that measures has done so anew.
  private static func make(_ name: String) throws -> (any Initializer, any Network) {
    let initializer = try InitializerRegistry.make(name)
    let network = network(initializer)
    guard initializer.imagesNeeded > 0 else { return (initializer, network) }
    let shape = network.batchShape(initializer.imagesNeeded)
    let images = HostTensor(shape, RandomStream.image(shape.elementCount, seed: 5))
    let resolved = try initializer.resolved(
      for: network, seed: 3, images: images, on: CPUBackend())
    return (resolved, network)
  }

  /// In a process of its own, as the number is one of the whole process.
  @Test func theNumberOfThreadsChangesNothing() async {
    await #expect(processExitsWith: .success) {
      for name in InitializerRegistry.names {
        let draws = try [1, 2, 3].map { (threads: blasint) in
          openblas_set_num_threads(threads)
          let (initializer, network) = try Self.make(name)
          let values = try initializer.values(for: network.layout, seed: 3)
          precondition(openblas_get_num_threads() == threads, "\(name) leaves another number")
          return values
        }
        precondition(draws[0] == draws[1] && draws[0] == draws[2], "\(name) is another draw")
      }
    }
  }

  @Test(arguments: InitializerRegistry.names)
  func everyBackendIsGivenTheSame(name: String) throws {
    let (first, network) = try Self.make(name)
    let expected = try first.values(for: network.layout, seed: 3)
    for backend in BackendUnderTest.backends {
      let (initializer, network) = try Self.make(name)
      var builder = network.makeBuilder(mode: .evaluation)
      let x = builder.graph.input("images", network.batchShape(1))
      builder.graph.output("logits", network.append(x, to: &builder).logits)
      let session = try backend.makeSession(for: builder.graph)
      try builder.layout.writeInitialState(to: session, initializer: initializer, seed: 3)
      for parameter in builder.layout.parameters {
        let elements = try #require(expected[parameter.name])
        let bits = try session.read(variable: parameter.name).floats.map(\.bitPattern)
        #expect(bits == elements.map { Float($0).bitPattern }, "\(parameter.name), \(backend.name)")
      }
    }
  }
}
