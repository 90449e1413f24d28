import IsometryGraph

/// The defines and arguments that a prologue adds to a launch (kernels/common/prologue.cl).
struct PrologueLaunch {
  var defines: [String: String] = [:]
  /// They follow all other arguments of the kernel.
  var arguments: [Argument] = []
}

extension Lowering {
  mutating func launch(of prologue: Prologue?, _ node: Node) -> PrologueLaunch {
    guard let prologue else { return PrologueLaunch() }
    return PrologueLaunch(
      defines: prologue.activation.defines.merging(["HAS_PROLOGUE": "1"]) { $1 },
      arguments: node.inputs[2..<2 + Optional(prologue).inputCount]
        .map { .storage(operand($0)) })
  }
}
