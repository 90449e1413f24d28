import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

/// The construction of theory.md, section 4.2, read off the drawn weights; what it achieves is tested
/// in IsometryTests.
@Suite struct RisottoTests {
  private func kernels(
    _ network: ResidualNetwork, _ text: String = "risotto"
  ) throws -> [String: Kernel] {
    let layout = network.layout
    let values = try InitializerRegistry.make(text).values(for: layout, seed: 5)
    var kernels: [String: Kernel] = [:]
    for parameter in layout.parameters where parameter.role.isWeight {
      let shape: Shape =
        parameter.role == .denseWeight
        ? [parameter.shape[0], parameter.shape[1], 1, 1] : parameter.shape
      kernels[parameter.name] = try Kernel(shape, #require(values[parameter.name]))
    }
    return kernels
  }

  /// The top left quarter of a matrix of the form [[M, −M], [−M, M]].
  private func quarter(_ matrix: Matrix) -> Matrix {
    let (rows, columns) = (matrix.rows / 2, matrix.columns / 2)
    var elements: [Double] = []
    for row in 0..<rows {
      for column in 0..<columns {
        let element = matrix[row, column]
        #expect(matrix[row, columns + column] == -element)
        #expect(matrix[rows + row, column] == -element)
        #expect(matrix[rows + row, columns + column] == element)
        elements.append(element)
      }
    }
    return Matrix(rows: rows, columns: columns, elements)
  }

  @Test func everyKernelIsItsCenter() throws {
    for skip in SkipKind.allCases {
      let kernels = try kernels(
        ResidualNetwork(widths: [8, 16], depths: [2, 1], skip: skip, normalization: .none))
      #expect(kernels.values.allSatisfy { $0.isDelta })
    }
  }

  @Test func theStemIsMirroredAndOrthonormal() throws {
    let stem = try #require(
      try kernels(ResidualNetwork(widths: [8], depths: [1], normalization: .none))["stem.weight"]
    ).center
    let half = Matrix(rows: 4, columns: 3, Array(stem.elements.prefix(12)))
    #expect(half.distanceFromOrthonormal(gain: 1) < 1e-12)
    #expect(stem.elements.suffix(12).elementsEqual(half.elements.map { -$0 }))
  }

  @Test(arguments: [1, 0.3])
  func convolutionalSkipsBalanceTheirBranches(alpha: Double) throws {
    let network = ResidualNetwork(
      widths: [8, 16], depths: [1, 1], block: .bottleneck(expansion: 2), skip: .convolution,
      normalization: .none, traits: .multiplied)
    let kernels = try kernels(network, "risotto:alpha=\(alpha)")
    for block in network.layout.blocks {
      let parts = try block.branch.map { try quarter(#require(kernels[$0.weight.name]).center) }
      for part in parts { #expect(part.distanceFromOrthonormal(gain: 1) < 1e-12) }
      let branch = parts.dropFirst().reduce(parts[0]) { $1 * $0 }
      let skip = try quarter(
        #require(kernels["body.\(block.index).skip.0.weight"]).center)
      let whole = zip(skip.elements, branch.elements).map { $0 + alpha * $1 }
      #expect(
        Matrix(rows: skip.rows, columns: skip.columns, whole).distanceFromOrthonormal(gain: 1)
          < 1e-12)
    }
  }

  @Test(arguments: [1, 0.3])
  func identitySkipsAreTakenBack(alpha: Double) throws {
    let network = ResidualNetwork(
      widths: [8], depths: [1], normalization: .none, traits: .multiplied)
    let kernels = try kernels(network, "risotto:alpha=\(alpha)")
    let first = try #require(kernels["body.0.conv1.weight"]).center
    for row in 0..<8 {
      for column in 0..<8 { #expect(first[row, column] == (row == column ? 1 : 0)) }
    }
    let second = try #require(kernels["body.0.conv2.weight"]).center
    var sum = second.elements.map { alpha * $0 }
    for index in 0..<8 { sum[index * 8 + index] += 1 }
    let half = Matrix(rows: 4, columns: 4, (0..<4).flatMap { sum[$0 * 8..<$0 * 8 + 4] })
    #expect(half.distanceFromOrthonormal(gain: 1) < 1e-12)
    for row in 0..<4 {
      for column in 0..<4 {
        #expect(abs(sum[(row + 4) * 8 + column] + half[row, column]) < 1e-15)
        #expect(abs(sum[row * 8 + column + 4] + half[row, column]) < 1e-15)
        #expect(abs(sum[(row + 4) * 8 + column + 4] - half[row, column]) < 1e-15)
      }
    }
  }

  @Test func theHeadIsMirroredUnlessAskedOtherwise() throws {
    let network = ResidualNetwork(widths: [24], depths: [1], normalization: .none)
    let head = try #require(try kernels(network)["head.weight"]).center
    for row in 0..<10 {
      for column in 0..<12 { #expect(head[row, column + 12] == -head[row, column]) }
    }
    let plain = try #require(try kernels(network, "risotto:head=plain")["head.weight"]).center
    #expect(plain.distanceFromOrthonormal(gain: 1) < 1e-12)
  }

  @Test func multipliersStartAtAlpha() throws {
    let layout = ResidualNetwork(
      widths: [8], depths: [2], normalization: .none, traits: .multiplied
    ).layout
    let values = try InitializerRegistry.make("risotto:alpha=0.3").values(for: layout, seed: 1)
    #expect(values["body.0.branch_multiplier"] == [0.3])
    #expect(values["body.1.branch_multiplier"] == [0.3])
  }
}
