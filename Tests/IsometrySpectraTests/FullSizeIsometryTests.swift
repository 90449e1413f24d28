import Foundation
import IsometryCore
import IsometryNN
import IsometrySpectra
import TestSupport
import Testing

/// RISOTTO at the size of the networks that people train: every singular value from the image to the
/// features, in fp32, on the fastest device that is always there.
@Suite struct FullSizeIsometryTests {
  struct Case: Sendable, CustomStringConvertible {
    let model: String
    let initializer: String
    let skip: SkipKind
    /// Singular values that are 1, of 3,072.
    let kept: Int

    var description: String { "\(model), \(initializer), \(skip)" }
  }

  static let cases = [
    Case(model: "resnet20", initializer: "risotto-lossless", skip: .identity, kept: 2048),
    Case(model: "resnet20", initializer: "risotto", skip: .convolution, kept: 192),
    Case(model: "resnet18", initializer: "risotto", skip: .identity, kept: 48),
    Case(model: "resnet18", initializer: "risotto-lossless", skip: .identity, kept: 3072),
    Case(model: "resnet18", initializer: "risotto-lossless", skip: .convolution, kept: 3072),
    Case(model: "resnet50", initializer: "risotto", skip: .convolution, kept: 48),
    Case(model: "resnet50", initializer: "risotto-lossless", skip: .convolution, kept: 3072),
  ]

  /// All but the first take minutes beside other tests.
  static let chosen =
    ProcessInfo.processInfo.environment["ISOMETRY_SLOW_TESTS"] == nil ? [cases[0]] : cases

  @Test(arguments: chosen)
  func everySingularValueIsOneOrZero(subject: Case) throws {
    let initializer = try InitializerRegistry.make(subject.initializer)
    let network = try ModelSpecification(subject.model).network(
      NetworkOptions(skip: subject.skip, traits: initializer.blockTraits))
    var random = RandomStream(seed: 3)
    var study = SpectrumStudy(
      network: network, section: JacobianSection(), precision: .fp32,
      images: [random.normals(3072)])
    study.method = .dense
    let summary = try study.run(
      initializer: initializer, seeds: [5], on: BackendUnderTest.backends[1]
    ).summary
    #expect(summary.count == 3072)
    #expect(abs(summary.zeroFraction - (1 - Double(subject.kept) / 3072)) < 1e-12)
    #expect(abs(try #require(summary.smallest) - 1) < 1e-4)
    #expect(abs(summary.largest - 1) < 1e-4)
  }
}
