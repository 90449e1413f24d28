internal import IsometryCore

extension Graph {
  /// The same computation with the statistics of Batch Normalization from the epilogue of the convolution
  /// before it (`Epilogue.hasStatistics`). The normalization then takes them as given.
  func withConvolutionStatistics() -> Graph {
    let normalized = Set(
      nodes.compactMap { node in
        switch node.operation {
        case .batchNormalization, .batchNormalizationStatistics: node.inputs[0]
        default: nil
        }
      })
    /// Mean and variance in the new graph, by the images in the old one.
    var statistics: [Value: (mean: Value, variance: Value)] = [:]
    return rewritten { rewriter, node in
      switch node.operation {
      case .convolution(let convolution, var epilogue, let prologue)
      where normalized.contains(node.results[0]):
        epilogue.hasStatistics = true
        let results = rewriter.append(
          .convolution(convolution, epilogue, prologue), rewriter.inputs(of: node))
        rewriter.replace(node.results[0], with: results[0])
        statistics[node.results[0]] = (results[1], results[2])
      case .batchNormalization(let normalization):
        guard let known = statistics[node.inputs[0]] else { return false }
        var inputs = rewriter.inputs(of: node)
        inputs.insert(contentsOf: [known.mean, known.variance], at: 3)
        let results = rewriter.append(.frozenNormalization(normalization), inputs)
        rewriter.replace(node.results, with: [results[0], known.mean, known.variance])
      case .batchNormalizationStatistics(let normalization):
        guard let known = statistics[node.inputs[0]] else { return false }
        let factor = rewriter.append(
          .normalizationFactor(normalization), [rewriter.map(node.inputs[1]), known.variance])[0]
        rewriter.replace(node.results, with: [known.mean, known.variance, factor])
      default: return false
      }
      return true
    }
  }
}
