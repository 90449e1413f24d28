import IsometryCore
import IsometryNN
import IsometryReference
import TestSupport
import Testing

/// The theory's reference values that networks are needed for; IsometryTheoryTests checks all others.
@Suite struct ReferenceValuesTests {
  private struct Subject {
    var width = 16
    var block = BlockKind.basic
    var skip = SkipKind.convolution
    var initializer = "risotto"
  }

  private static let subjects = [
    "C": Subject(), "B": Subject(skip: .identity),
    "C_alpha0.3": Subject(initializer: "risotto:alpha=0.3"),
    "C_bottleneck": Subject(width: 8, block: .bottleneck(expansion: 2)),
  ]

  @Test(.enabled(if: ReferenceEntry.isAvailable))
  func everySingularValueIsMet() throws {
    let entries = try ReferenceEntry.all().filter { $0.id.hasPrefix("R.sv.") }
    #expect(entries.count == Self.subjects.count)
    for entry in entries {
      let subject = try #require(
        entry.names["type"].flatMap { Self.subjects[$0] }, "\(entry.id) is not checked")
      let initializer = try InitializerRegistry.make(subject.initializer)
      let network = ResidualNetwork(
        widths: [subject.width], depths: [Int(try #require(entry.numbers["blocks"]))],
        block: subject.block, skip: subject.skip, normalization: .none,
        traits: initializer.blockTraits, imageShape: [3, 8, 8])
      let values = try Jacobian(
        of: network, at: RandomStream.image(192, seed: 3), initializer: initializer, seed: 11,
        precision: .float64,
        on: BackendUnderTest(backend: ReferenceBackend<Double>(), isFusing: false)
      ).singularValues
      #expect(values.count == 192)
      #expect(abs(values[191] - entry.values[0]) < entry.tolerance, "\(entry.id)")
      #expect(abs(values[0] - entry.values[1]) < entry.tolerance, "\(entry.id)")
    }
  }

  @Test(.enabled(if: ReferenceEntry.isAvailable))
  func stridedBlocksKeepOnePixelInFour() throws {
    let entry = try #require(try ReferenceEntry.all().first { $0.id == "R.stride.nonzero" })
    #expect(entry.numbers["strides"] == 2)
    let subject = try #require(
      IsometryCase.all.first { $0.description == "type C, strided twice" })
    let values = try subject.jacobian(
      on: BackendUnderTest(backend: ReferenceBackend<Double>(), isFusing: false),
      precision: .float64, imageSeed: 3
    ).singularValues
    #expect(values.count { $0 > 1e-6 } == Int(entry.values[0]))
  }
}
