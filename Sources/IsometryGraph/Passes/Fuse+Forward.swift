internal import IsometryCore

extension Graph {
  /// Folds biases, residuals and activations into the producers before them, one at a time.
  func fusedForward() -> Graph {
    rewritten { rewriter, node in
      guard let folded = rewriter.fold(node) else { return false }
      rewriter.replace(node.results[0], with: folded)
      return true
    }
  }
}

extension Rewriter {
  /// The result of the node that replaces `node` together with the producer it is folded into; nil
  /// where it stays as it is.
  fileprivate mutating func fold(_ node: Node) -> Value? {
    switch node.operation {
    case .biasAdd:
      guard useCount(of: node.inputs[0]) == 1 else { return nil }
      return extend(node.inputs[0], with: node.inputs[1]) {
        guard !$0.hasBias, !$0.hasResidual, $0.activation == .linear else { return false }
        $0.hasBias = true
        return true
      }
    case .add:
      // The later operand's producer comes first: it is the one whose result is still in the caches.
      let later = node.inputs[0] < node.inputs[1] ? 1 : 0
      for index in [later, 1 - later] where useCount(of: node.inputs[index]) == 1 {
        let folded = extend(node.inputs[index], with: node.inputs[1 - index]) {
          guard !$0.hasResidual, $0.activation == .linear else { return false }
          $0.hasResidual = true
          return true
        }
        if let folded { return folded }
      }
      return nil
    case .activation(let activation):
      // Otherwise the backward graph reads the pre-activation, which must then exist.
      guard useCount(of: node.inputs[0]) == 1, activation.hasDerivativeFromOutput else {
        return nil
      }
      return extend(node.inputs[0], with: nil) {
        guard $0.activation == .linear else { return false }
        $0.activation = activation
        return true
      }
    default: return nil
    }
  }

  /// Appends a copy of the producer of `target` with a changed epilogue and lets it take the old one's
  /// place, which is left without readers.
  private mutating func extend(
    _ target: Value, with extra: Value?, _ change: (inout Epilogue) -> Bool
  ) -> Value? {
    let producer = new.producer(of: map(target))
    guard producer.results[0] == map(target), var epilogue = producer.operation.epilogue,
      change(&epilogue), let operation = producer.operation.replacing(epilogue: epilogue)
    else { return nil }
    let extras = extra.map { [map($0)] } ?? []
    let results = append(operation, producer.inputs + extras)
    for (former, replacement) in zip(producer.results, results).dropFirst() {
      redirect(former, to: replacement)
    }
    return results[0]
  }
}

extension Operation {
  /// The epilogue of an operation that can have one in the forward direction.
  fileprivate var epilogue: Epilogue? {
    switch self {
    case .convolution(_, let epilogue, nil): epilogue
    case .matrixMultiply(let product): product.epilogue
    case .batchNormalization(let normalization), .frozenNormalization(let normalization):
      normalization.epilogue
    default: nil
    }
  }

  /// The operation with another epilogue; nil if it cannot have that one.
  fileprivate func replacing(epilogue: Epilogue) -> Operation? {
    switch self {
    case .convolution(let convolution, _, nil): return .convolution(convolution, epilogue)
    case .matrixMultiply(let product):
      return .matrixMultiply(
        MatrixMultiply(
          transposeLeft: product.transposeLeft, transposeRight: product.transposeRight,
          resultType: product.resultType, epilogue: epilogue))
    case .batchNormalization(let normalization) where !epilogue.hasBias:
      return .batchNormalization(
        Normalization(epsilon: normalization.epsilon, epilogue: epilogue))
    case .frozenNormalization(let normalization) where !epilogue.hasBias:
      return .frozenNormalization(
        Normalization(epsilon: normalization.epsilon, epilogue: epilogue))
    default: return nil
    }
  }
}
