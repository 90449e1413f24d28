import IsometryCore
import IsometryGraph

/// What a launch that makes the gradient of images does besides: the gradient of the activation that takes
/// it, where nobody else reads it and the other operands are there already.
struct GradientEpilogue {
  /// What the launch makes.
  let result: Value
  private let slope: Slope?

  private struct Slope {
    let gradient: ActivationGradient
    let addend: Value?
    let reference: Value
  }

  init(of node: Node, _ lowering: Lowering) {
    let own = node.results[0]
    if let reader = lowering.onlyReader(of: own),
      case .activationGradient(let gradient) = reader.operation
    {
      let others = reader.inputs.filter { $0 != own }
      if others.count == gradient.addends, others.allSatisfy({ lowering.isMade($0) }) {
        result = reader.results[0]
        slope = Slope(
          gradient: gradient, addend: gradient.addends == 2 ? others[0] : nil,
          reference: others[gradient.addends - 1])
        return
      }
    }
    result = own
    slope = nil
  }

  var defines: [String: String] {
    guard let slope else { return [:] }
    var defines = slope.gradient.activation.defines
    defines["HAS_SLOPE"] = "1"
    defines["HAS_ADDEND"] = slope.addend == nil ? "0" : "1"
    defines["SLOPE_FROM_OUTPUT"] = slope.gradient.reference == .output ? "1" : "0"
    return defines
  }

  /// The arguments `addend` and `reference` of a kernel; `placeholder` stands for what it does not read.
  func arguments(
    for lowering: inout Lowering, in layout: Layout = .channelsLast, placeholder: StorageID
  ) -> [Argument] {
    [slope?.addend, slope?.reference].map { value in
      .storage(value.map { lowering.operand($0, layout) } ?? placeholder)
    }
  }
}
