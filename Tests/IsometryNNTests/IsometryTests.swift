import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

/// Exact dynamical isometry: RISOTTO's networks in double precision. BackendTests checks the same
/// networks in fp32 on every backend.
@Suite struct IsometryTests {
  static let exact = BackendUnderTest(backend: ReferenceBackend<Double>(), isFusing: false)

  @Test(arguments: IsometryCase.all)
  func everySingularValueIsOneOrZero(subject: IsometryCase) throws {
    let jacobian = try subject.jacobian(on: Self.exact, precision: .float64, imageSeed: 1)
    #expect(jacobian.columns == 192)
    #expect(subject.deviation(of: jacobian.singularValues) < 1e-10, "\(jacobian.singularValues)")
  }

  /// Each pixel's signal is û = top − bottom half of the channels; it is a linear function of the
  /// image, though features and their Jacobian are not.
  @Test(arguments: IsometryCase.all)
  func theSignalIsTheSameLinearFunctionOfEveryImage(subject: IsometryCase) throws {
    func signal(_ seed: UInt64) throws -> [Double] {
      let jacobian = try subject.jacobian(
        on: Self.exact, precision: .float64, imageSeed: seed)
      let half = jacobian.rows / 2 * jacobian.columns
      return zip(jacobian.elements.prefix(half), jacobian.elements.suffix(half)).map { $0 - $1 }
    }
    let (first, second) = try (signal(1), signal(2))
    #expect(first.contains { abs($0) > 0.1 })
    #expect(zip(first, second).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test func bothModesOfDifferentiationGiveOneJacobian() throws {
    for normalization in NormalizationKind.allCases {
      let network = ResidualNetwork(
        widths: [4, 6], depths: [1, 1], activation: .silu, normalization: normalization,
        imageShape: [3, 6, 6])
      let image = RandomStream.image(3 * 6 * 6, seed: 4)
      let jacobians = try Jacobian.Mode.allCases.map { mode in
        try Jacobian(
          of: network, at: image, initializer: InitializerRegistry.make("he"), seed: 2,
          precision: .float64, on: Self.exact, mode: mode)
      }
      #expect(jacobians[0].rows == 6 * 3 * 3 && jacobians[0].columns == 108)
      #expect(zip(jacobians[0].elements, jacobians[1].elements).allSatisfy { abs($0 - $1) < 1e-12 })
    }
  }

  /// Global averaging over P pixels leaves singular values of at most 1/√P behind a mirrored head,
  /// one for each channel of the image at most.
  @Test func behindThePoolingAtMostOneSingularValueAChannelIsLeft() throws {
    let subject = IsometryCase.all[0]
    let jacobian = try Jacobian(
      of: subject.network, at: subject.image(seed: 3),
      initializer: InitializerRegistry.make("risotto"), seed: 11, precision: .float64,
      on: Self.exact
    ) { $0.logits }
    let values = jacobian.singularValues
    #expect(values[0] <= 1.0 / 8 + 1e-12)
    #expect(values[2] > 1e-3)
    #expect(values.dropFirst(3).allSatisfy { $0 < 1e-12 })
  }

  /// What the tests above would see of a network that is not isometric.
  @Test func heIsNotIsometric() throws {
    let network = IsometryCase.all[0].network
    let jacobian = try Jacobian(
      of: network, at: IsometryCase.all[0].image(seed: 1),
      initializer: InitializerRegistry.make("he"), seed: 11, precision: .float64,
      on: Self.exact)
    #expect(jacobian.singularValues[0] > 2)
  }
}

extension RandomStream {
  static func image(_ count: Int, seed: UInt64) -> [Double] {
    var random = RandomStream(seed: seed)
    return random.normals(count)
  }
}
