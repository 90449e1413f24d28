import IsometryCore
import IsometryTheory
import Testing

@testable import IsometryNN

@Suite struct UniversalTests {
  private func values(_ text: String, _ network: any Network) throws -> [String: [Double]] {
    try InitializerRegistry.make(text).values(for: network.layout, seed: 3)
  }

  private func meanSquare(_ elements: [Double]) -> Double {
    elements.reduce(0) { $0 + $1 * $1 } / Double(elements.count)
  }

  @Test func aReLUHasItsClosedForm() throws {
    let network = UniformResidualNetwork(.dense, depth: 20, width: 64, imageShape: [3, 8, 8])
    let values = try values("universal:c=0.25", network)
    for index in 0..<20 {
      // σ_w² = 2c.
      let expected = 0.5 / (64 * 20)
      let square = meanSquare(try #require(values["body.\(index).linear.weight"]))
      #expect(abs(square - expected) < 4 * expected * (2.0 / 4096).squareRoot())
    }
    let stem = try #require(values["stem.weight"])
    let rowSquare: Double = stem[0..<192].reduce(0) { $0 + $1 * $1 }
    #expect(abs(rowSquare - 1) < 1e-12)
    let head = meanSquare(try #require(values["head.weight"]))
    let bound = 4 / 64 * (2.0 / 640).squareRoot()
    #expect(abs(head - 1.0 / 64) < bound)
    #expect(try #require(values["body.0.linear.bias"]).allSatisfy { $0 == 0 })
  }

  @Test(arguments: Activation.allNamed)
  func everyActivationIsCalibrated(_ activation: Activation) throws {
    let layout = UniformResidualNetwork(
      .dense, depth: 12, width: 8, skipWeight: 0.9, activation: activation, imageShape: [3, 4, 4]
    ).layout
    let initializer = try Universal(options: InitializerOptions(initializer: "universal"))
    var model = ResidualModel(
      activation: ActivationFunction(activation), depth: 12,
      weightDeviation: try initializer.calibration(for: layout).weightDeviation)
    model.skipWeight = 0.9
    #expect(abs(try model.signal().scaledCumulant - 0.5) < 1e-11)
  }

  @Test func paddingAndWideStemsAreMadeGood() throws {
    let initializer = try Universal(
      options: InitializerOptions(initializer: "universal", values: ["c": "0.5"]))
    let convolutions = UniformResidualNetwork(
      .convolution, depth: 10, width: 8, imageShape: [3, 6, 6]
    ).layout
    let scale = try initializer.calibration(for: convolutions)
    #expect(abs(scale.weightDeviation - (1 / 0.7901234567901234).squareRoot()) < 1e-11)
    // The stem's rows cannot be orthonormal; its norm is spread over more elements.
    let wide = UniformResidualNetwork(
      .dense, depth: 10, width: 48, activation: .tanh, imageShape: [3, 2, 2])
    var model = ResidualModel(activation: ActivationFunction(.tanh), depth: 10, weightDeviation: 1)
    model.inputMeanSquare = 0.25
    #expect(
      try initializer.calibration(for: wide.layout).weightDeviation
        == model.calibrated(to: 0.5).weightDeviation)
  }

  @Test func otherNetworksAreRefused() throws {
    let networks: [(any Network, String)] = [
      (MultilayerPerceptron(depth: 3, width: 8, imageShape: [3, 4, 4]), "resmlp"),
      (
        ResidualNetwork(
          widths: [8], depths: [2], normalization: .none, imageShape: [3, 8, 8]), "after the sum"
      ),
      (
        UniformResidualNetwork(
          .dense, depth: 3, width: 8, normalization: .batch, imageShape: [3, 4, 4]),
        "normalization none"
      ),
      (
        UniformResidualNetwork(.dense, depth: 3, width: 8, skipWeight: 0, imageShape: [3, 4, 4]),
        "skipWeight"
      ),
    ]
    for (network, word) in networks {
      do {
        _ = try values("universal", network)
        Issue.record("\(network) was initialized")
      } catch let error as InitializationError {
        #expect("\(error)".contains(word), "\(error)")
      }
    }
    for text in ["universal:c=0", "universal:c=x", "universal:level=1", "universal:mean-square=0"] {
      #expect(throws: InitializationError.self) { try InitializerRegistry.make(text) }
    }
  }

  @Test func residualConvolutionsHaveAName() throws {
    let model = try ModelSpecification("resconv:20x24")
    #expect(model == .residualConvolutions(depth: 20, width: 24))
    #expect(model.description == "resconv:20x24")
    let layout = try model.network(NetworkOptions(skipWeight: 0.5)).layout
    #expect(layout.blocks.count == 20 && layout.blocks[0].skip == .scaled(0.5))
    #expect(layout.blocks[0].branch[0].imageSize == [32, 32])
    #expect(layout.head?.imageSize == [])
    #expect(throws: ModelError.self) { try ModelSpecification("resconv:0x24") }
    #expect(throws: ModelError.self) {
      try model.network(NetworkOptions(skip: .convolution))
    }
  }
}
