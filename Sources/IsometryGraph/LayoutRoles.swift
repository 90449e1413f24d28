/// What a node wants of the layouts of its operands and results. It speaks of tensors with four axes;
/// others in its lists mean nothing.
package struct LayoutRoles {
  /// Values whose elements are visited side by side: those of one list should share a layout.
  package var alike: [[Value]] = []
  /// Images [N, C, H, W].
  package var images: [Value] = []
  /// Weights of convolutions [K, C, R, S], or their gradients.
  package var weights: [Value] = []
}

extension Node {
  package var layoutRoles: LayoutRoles {
    switch operation {
    case .cast, .add, .subtract, .multiply, .scale, .activation, .activationGradient, .dot:
      LayoutRoles(alike: [inputs + results])
    case .allReduceStart, .allReduceWait:
      LayoutRoles(alike: results.indices.map { [inputs[$0], results[$0]] })
    case .scalarMultiply, .scalarAdd: LayoutRoles(alike: [[inputs[0]] + results])
    case .biasAdd, .frozenNormalizationInputGradient:
      LayoutRoles(alike: [[inputs[0]] + results], images: inputs + results)
    case .batchNormalization(let normalization), .frozenNormalization(let normalization):
      LayoutRoles(
        alike: [
          [inputs[0], results[0]] + (normalization.epilogue.hasResidual ? [inputs.last!] : [])
        ],
        images: inputs + results)
    case .batchNormalizationReduction, .batchNormalizationInputGradient,
      .batchNormalizationGradient:
      LayoutRoles(alike: [inputs[0...1] + results], images: inputs + results)
    case .convolution(_, let epilogue, _):
      LayoutRoles(
        images: [inputs[0], results[0]] + (epilogue.hasResidual ? [inputs.last!] : []),
        weights: [inputs[1]])
    case .convolutionInputGradient:
      LayoutRoles(
        alike: [results + inputs[2...]], images: [inputs[0]] + inputs[2...] + results,
        weights: [inputs[1]])
    case .convolutionWeightGradient:
      LayoutRoles(images: Array(inputs[0...1]), weights: [results[0]])
    case .globalAveragePoolGradient:
      LayoutRoles(alike: [results + inputs[1...]], images: inputs + results)
    case .weightStandardization(let standardization),
      .weightStandardizationGradient(let standardization):
      // Both work on the units of weights, and convolutions choose the layout of standardized ones.
      LayoutRoles(weights: standardization.weights(of: self))
    case .channelSum, .broadcastChannels, .batchNormalizationStatistics, .pool,
      .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool, .decodeImages:
      LayoutRoles(images: inputs + results)
    case .runningAverage, .accumulate:
      LayoutRoles(alike: operation.mutatedInputs.map { Array(inputs[$0...$0 + 1]) })
    case .update(let update): LayoutRoles(alike: update.inputRanges.map { Array(inputs[$0]) })
    case .adaptiveClip(let clip):
      LayoutRoles(
        alike: results.indices.map { index in
          inputs[(clip.headerCount + 2 * index)...].prefix(2) + [results[index]]
        },
        weights: Array(inputs.dropFirst(clip.headerCount)) + results)
    case .momentumDirections(let update):
      LayoutRoles(weights: Array(inputs.dropFirst(update.hasGradientScale ? 1 : 0)))
    case .orthogonalUpdate(let update, let count):
      // The momentum is read by these operations alone, which may want a layout of their own.
      LayoutRoles(
        alike: update.inputRanges(count: count).map { Array(inputs[$0].prefix(2)) },
        weights: Array(inputs.dropFirst(update.headerCount)))
    case .input, .variable, .fill, .reshape, .sum, .broadcast, .matrixMultiply,
      .normalizationFactor, .softmaxCrossEntropy, .norm, .gradientScale, .lossScaleUpdate:
      LayoutRoles()
    }
  }
}

extension Graph {
  /// Groups of values that share a layout: those with the same key in one list of `LayoutRoles.alike`.
  ///
  /// - Parameter key: nil for a value that shares its layout with no other.
  /// - Returns: the number of each value's group, by `Value.index`.
  package func layoutGroups<Key: Hashable>(by key: (Value) -> Key?) -> [Int] {
    var parents = Array(types.indices)
    func root(_ index: Int) -> Int {
      var top = index
      while parents[top] != top {
        parents[top] = parents[parents[top]]
        top = parents[top]
      }
      return top
    }
    for values in nodes.flatMap(\.layoutRoles.alike) {
      var firsts: [Key: Value] = [:]
      for value in values {
        guard let key = key(value) else { continue }
        if let first = firsts[key] {
          parents[root(value.index)] = root(first.index)
        } else {
          firsts[key] = value
        }
      }
    }
    return types.indices.map(root)
  }
}
