import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import Testing

@Suite struct DiracTests {
  private static let network = SpeedrunNetwork(
    widths: [32, 12, 16], hasFixedStem: true, imageShape: [3, 16, 16])

  private func resolved(images: HostTensor) throws -> any Initializer {
    try InitializerRegistry.make("dirac:images=\(images.shape[0])").resolved(
      for: Self.network, seed: 2, images: images, on: ReferenceBackend<Float>())
  }

  /// Over all patches of the images, E (F·p)(F·p)ᵀ is diagonal: λ/(λ + 0.0005) for each direction.
  @Test func theStemWhitensPatches() throws {
    let (count, side) = (20, 16)
    // Neighboring pixels and the channels are correlated, and one channel is almost constant.
    var random = RandomStream(seed: 3)
    var elements: [Float] = []
    for _ in 0..<count {
      let noise = random.normals(side * side)
      for channel in 0..<3 {
        for index in 0..<side * side {
          let smooth = noise[index] + noise[(index + 1) % noise.count]
          elements.append(
            Float(channel == 2 ? 0.5 + 1e-3 * smooth : smooth + 0.3 * random.normal()))
        }
      }
    }
    let images = HostTensor([count, 3, side, side], elements)
    let values = try resolved(images: images).values(for: Self.network.layout, seed: 2)
    let filters = try #require(values["stem.weight"])
    #expect(filters.count == 24 * 12)
    for index in 0..<144 { #expect(filters[144 + index] == -filters[index]) }
    var products = [[Double]](repeating: [Double](repeating: 0, count: 12), count: 12)
    let places = side - 1
    for image in 0..<count {
      for y in 0..<places {
        for x in 0..<places {
          let patch = (0..<12).map { element in
            let (channel, row, column) = (element / 4, element / 2 % 2, element % 2)
            return Double(elements[((image * 3 + channel) * side + y + row) * side + x + column])
          }
          let results = (0..<12).map { filter -> Double in
            let weights = filters[filter * 12..<(filter + 1) * 12]
            return zip(weights, patch).reduce(0) { $0 + $1.0 * $1.1 }
          }
          for (row, first) in results.enumerated() {
            for (column, second) in results.enumerated() {
              products[row][column] += first * second / Double(count * places * places)
            }
          }
        }
      }
    }
    for row in 0..<12 {
      for column in 0..<12 {
        // λ of a direction is at most its filter's 1/|f|² − ε, which is 1 − ε·|f|² of the result.
        let square = (0..<12).reduce(0) {
          $0 + filters[row * 12 + $1] * filters[row * 12 + $1]
        }
        let expected = row == column ? 1 - 5e-4 * square : 0
        #expect(abs(products[row][column] - expected) < 1e-9, "\(row) \(column)")
      }
    }
    #expect((0..<12).contains { products[$0][$0] < 0.5 }, "a direction with little variance")
    #expect((0..<12).contains { products[$0][$0] > 0.99 })
  }

  @Test func convolutionsBeginWithTheIdentity() throws {
    let layout = ResidualNetwork(
      widths: [6, 4], depths: [1, 1], normalization: .none, imageShape: [3, 8, 8]
    ).layout
    let values = try InitializerRegistry.make("dirac:stem=dirac").values(for: layout, seed: 5)
    for parameter in layout.parameters where parameter.role == .convolutionWeight {
      let elements = try #require(values[parameter.name])
      let (outputs, inputs) = (parameter.shape[0], parameter.shape[1])
      let kernel = parameter.shape[2] * parameter.shape[3]
      let bound = 1 / Double(parameter.fanIn).squareRoot()
      for output in 0..<outputs {
        let filter = elements[output * inputs * kernel..<(output + 1) * inputs * kernel]
        if output < min(inputs, outputs) {
          let center = output * kernel + kernel / 2
          #expect(filter.enumerated().allSatisfy { $1 == ($0 == center ? 1 : 0) })
        } else {
          #expect(filter.allSatisfy { $0 != 0 && abs($0) < bound })
          #expect(filter.contains { abs($0) > bound / 2 })
        }
      }
    }
    let head = try #require(values["head.weight"])
    #expect(head.allSatisfy { abs($0) < 1 / 2 })
  }

  /// The logits of a network that pools have a small factor, and the head's weights a deviation of 1.
  @Test func headsOfPooledNetworksHaveUnitVariance() throws {
    let layout = SpeedrunNetwork(widths: [8, 12]).layout
    let values = try InitializerRegistry.make("dirac:stem=dirac").values(for: layout, seed: 5)
    let head = try #require(values["head.weight"])
    let mean = head.reduce(0, +) / Double(head.count)
    let variance = head.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(head.count - 1)
    #expect(abs(variance - 1) < 1e-12)
  }

  @Test func otherStemsAreRefused() throws {
    let initializer = try InitializerRegistry.make("dirac")
    #expect(initializer.imagesNeeded == 5000 && initializer.blockTraits.hasFixedStem)
    #expect(throws: InitializationError.self) {
      try initializer.check(
        ResidualNetwork(
          widths: [8], depths: [1]
        ).layout)
    }
    #expect(throws: InitializationError.self) {
      try initializer.check(MultilayerPerceptron(depth: 2, width: 8).layout)
    }
    #expect(throws: InitializationError.self, "without images") {
      try initializer.values(for: Self.network.layout, seed: 1)
    }
    #expect(throws: InitializationError.self) { try InitializerRegistry.make("dirac:images=0") }
    #expect(throws: InitializationError.self) { try InitializerRegistry.make("dirac:stem=he") }
    #expect(try InitializerRegistry.make("dirac:stem=dirac").imagesNeeded == 0)
  }
}
