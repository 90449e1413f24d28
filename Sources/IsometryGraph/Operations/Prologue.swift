public import IsometryCore

/// The normalization that a convolution or its weight gradient applies to images as it loads them.
///
/// x → φ((x − mean)·factor + shift) for each channel, rounded to x's type. Padding is zeros that are
/// added after it.
///
/// Three vectors [C] of the accumulator's type follow the operation's own inputs: mean, factor, shift.
/// Networks are built without prologues. `Graph.optimized(for:)` replaces normalizations by such
/// convolutions, so that the normalized images are never stored.
public struct Prologue: Sendable, Hashable {
  /// φ, one that `isCheap` allows.
  public let activation: Activation

  /// A prologue with an activation that `isCheap` allows.
  public init(activation: Activation = .linear) {
    precondition(Self.isCheap(activation), "\(activation.name) is too expensive for every load")
    self.activation = activation
  }

  /// Whether φ is cheap enough to be computed at every load; a window loads an element repeatedly.
  public static func isCheap(_ activation: Activation) -> Bool {
    activation.approximateOperations <= 2
  }

  static let inputCount = 3

  func check(_ inputs: [TensorType], operands: Int, images: TensorType) throws(ShapeError) {
    guard inputs.count >= operands + Self.inputCount else {
      throw ShapeError("takes mean, factor and shift of its prologue")
    }
    for vector in inputs[operands..<operands + Self.inputCount] {
      try requireChannels(vector, of: images)
    }
  }

  func floatingPointOperations(_ elements: Int) -> Int {
    elements * (3 + activation.approximateOperations)
  }
}

extension Prologue? {
  /// The number of inputs between the operation's own and its epilogue's.
  package var inputCount: Int { self == nil ? 0 : Prologue.inputCount }
}
