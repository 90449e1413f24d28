internal import IsometryCore

/// The rows and columns of a Jacobian that carry signals.
///
/// A rectifier passes on nothing from the units that it switches off. If they are a segment's inputs,
/// their columns are directions in which no signal can move. If they are its results, their rows are 0.
/// Without both, a segment's singular values are those of the map between signals.
struct ActiveJacobian: JacobianProducts {
  private let whole: JacobianOperator
  private let inputs: [Int]
  private let outputs: [Int]

  /// Selects the active rows and columns at the image that the operator was moved to.
  init(_ whole: JacobianOperator) throws {
    self.whole = whole
    let values = try whole.values()
    inputs = Self.active(values.start, behind: whole.activations.start)
    outputs = Self.active(values.end, behind: whole.activations.end)
  }

  var inputCount: Int { inputs.count }
  var outputCount: Int { outputs.count }
  var batch: Int { whole.batch }
  var precision: Precision { whole.precision }
  /// The singular values that the signals could have: as many as active inputs, or outputs of any
  /// kind.
  var fullCount: Int { min(inputs.count, whole.outputCount) }

  func forward(_ vectors: [Double]) throws -> [Double] {
    gathered(
      try whole.forward(scattered(vectors, to: inputs, of: whole.inputCount)), outputs,
      of: whole.outputCount)
  }

  func reverse(_ vectors: [Double]) throws -> [Double] {
    gathered(
      try whole.reverse(scattered(vectors, to: outputs, of: whole.outputCount)), inputs,
      of: whole.inputCount)
  }

  static func active(_ values: [Double], behind activation: Activation?) -> [Int] {
    guard let activation else { return Array(values.indices) }
    return values.indices.filter { activation.passesOn(result: values[$0]) }
  }

  private func scattered(_ vectors: [Double], to places: [Int], of width: Int) -> [Double] {
    let count = vectors.count / places.count
    var result = [Double](repeating: 0, count: count * width)
    for row in 0..<count {
      for (index, place) in places.enumerated() {
        result[row * width + place] = vectors[row * places.count + index]
      }
    }
    return result
  }

  private func gathered(_ vectors: [Double], _ places: [Int], of width: Int) -> [Double] {
    (0..<vectors.count / width).flatMap { row in places.map { vectors[row * width + $0] } }
  }
}

extension Activation {
  /// Whether the slope is nonzero for this result of the activation.
  func passesOn(result: Double) -> Bool {
    switch self {
    case .relu: result > 0
    case .hardTanh: abs(result) < 1
    case .shiftedReLU: result > -1
    case .leakyReLU(let slope): slope != 0 || result > 0
    case .linear, .tanh, .sigmoid, .erf, .unitErf, .selu, .elu, .softplus, .silu, .gelu: true
    }
  }
}
