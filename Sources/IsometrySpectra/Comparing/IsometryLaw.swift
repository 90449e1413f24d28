public import IsometryTheory

/// The law of an exact isometry on a part of its domain: singular values 1 and 0.
public struct IsometryLaw: SpectralLaw {
  public let name = "isometry"
  /// The fraction of singular values that are 1.
  public let retained: Double

  /// The law with a fraction `retained` in 0…1 of ones.
  public init(retained: Double) {
    precondition((0...1).contains(retained), "a share is 0 to 1")
    self.retained = retained
  }

  public var logSupport: ClosedRange<Double> { 0...0 }

  public var atoms: [SpectralAtom] {
    [SpectralAtom(lambda: 0, mass: 1 - retained), SpectralAtom(lambda: 1, mass: retained)]
      .filter { $0.mass > 0 }
  }

  public func logDensity(atLog t: Double) -> Double { 0 }
  public func survival(atLog t: Double) -> Double { t < 0 ? retained : 0 }
  public func curve(count: Int) -> [SpectralPoint] { [] }
}
