import IsometryCore
import IsometryGraph

/// The activation gradient that a launch applies to the gradient of images that it makes.
struct GradientEpilogue {
  private let gradient: ActivationGradient?
  fileprivate let addend: Value?
  fileprivate let reference: Value?

  /// - Parameters:
  ///   - gradient: nil if nothing follows the gradient of images.
  ///   - operands: how many inputs of the node come before addend and reference.
  init(_ gradient: ActivationGradient?, of node: Node, operands: Int) {
    self.gradient = gradient
    addend = gradient?.addends == 2 ? node.inputs[operands] : nil
    reference = gradient == nil ? nil : node.inputs.last
  }

  var defines: [String: String] {
    guard let gradient else { return ProgramVariant.anyActivation }
    var defines = gradient.activation.defines
    defines["SLOPE_FROM_OUTPUT"] = gradient.reference == .output ? "1" : "0"
    return defines
  }

  /// The argument `terms` of kernels/common/activation.cl.
  var terms: Argument { .integer((addend == nil ? 0 : 2) + (reference == nil ? 0 : 4)) }
}

extension Lowering {
  /// The arguments `addend` and `reference` of a kernel; `placeholder` stands for an absent one.
  mutating func arguments(
    of epilogue: GradientEpilogue, in layout: Layout = .channelsLast, placeholder: StorageID
  ) -> [Argument] {
    [epilogue.addend, epilogue.reference].map { value in
      .storage(value.map { operand($0, layout) } ?? placeholder)
    }
  }
}
