#if OpenCL
  import IsometryCore
  import IsometryGraph

  extension Lowering {
    /// The gradient of an activation that takes an input gradient, where nobody else reads that and its
    /// other operands are there already: then both are one launch.
    func slopeBehind(_ node: Node) -> SlopeEpilogue? {
      guard let reader = onlyReader(of: node.results[0]),
        case .activationGradient(let gradient) = reader.operation
      else { return nil }
      let others = reader.inputs.filter { $0 != node.results[0] }
      guard others.count == gradient.addends, others.allSatisfy({ isMade($0) }) else { return nil }
      return SlopeEpilogue(
        node: reader, gradient: gradient, addend: gradient.addends == 2 ? others[0] : nil,
        reference: others[gradient.addends - 1])
    }
  }

  /// The gradient of an activation, computed where an input gradient is stored.
  struct SlopeEpilogue {
    let node: Node
    let gradient: ActivationGradient
    let addend: Value?
    let reference: Value

    var defines: [String: String] {
      var defines = gradient.activation.defines
      defines["HAS_SLOPE"] = "1"
      defines["HAS_ADDEND"] = addend == nil ? "0" : "1"
      defines["SLOPE_FROM_OUTPUT"] = gradient.reference == .output ? "1" : "0"
      return defines
    }
  }
#endif
