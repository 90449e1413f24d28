/// Sums over the ranks that train together. An `allReduceStart` gives its values away, so that a
/// backend may sum them in place while other nodes run; its results are read by one `allReduceWait` alone.
/// Where one process trains alone, the sums are the values. `Schedule` says when the two run.
extension Graph {
  /// The sum of each value over all ranks. The values travel together.
  ///
  /// - Precondition: at least one value; all have one floating-point type of elements.
  public mutating func allReduce(_ values: [Value]) -> [Value] {
    let started = append(.allReduceStart(count: values.count), values)
    return append(.allReduceWait(count: values.count), started)
  }

  /// The same step with Batch Normalization by the statistics of the images of all ranks, each of which
  /// has as many. The graph is not fused yet.
  ///
  /// The mean over all images is the mean of the ranks' means. The variance is the mean of the ranks'
  /// variances around it.
  package func synchronizingNormalizations(over ranks: Int) -> Graph {
    let share = 1 / Double(ranks)
    return rewritten { rewriter, node in
      switch node.operation {
      case .batchNormalization(let normalization):
        let inputs = rewriter.inputs(of: node)
        let own = rewriter.append(.batchNormalizationStatistics(normalization), Array(inputs[..<2]))
        let mean = rewriter.sumOverRanks([own[0]], factor: share)[0]
        let offset = rewriter.append(.subtract, [own[0], mean])[0]
        let square = rewriter.append(.multiply, [offset, offset])[0]
        let around = rewriter.append(.add, [own[1], square])[0]
        let variance = rewriter.sumOverRanks([around], factor: share)[0]
        let y = rewriter.append(.frozenNormalization(normalization), inputs + [mean, variance])
        rewriter.replace(node.results, with: y + [mean, variance])
        return true
      case .batchNormalizationInputGradient:
        let inputs = rewriter.inputs(of: node)
        // The operation divides by the number of this rank's images.
        let sums = rewriter.sumOverRanks(Array(inputs[6...]), factor: share)
        rewriter.replace(
          node.results, with: rewriter.append(node.operation, inputs[..<6] + sums))
        return true
      default: return false
      }
    }
  }
}

extension Rewriter {
  /// factor · Σ over all ranks
  fileprivate mutating func sumOverRanks(_ values: [Value], factor: Double) -> [Value] {
    let scaled = values.map { append(.scale(factor), [$0])[0] }
    let started = append(.allReduceStart(count: values.count), scaled)
    return append(.allReduceWait(count: values.count), started)
  }
}
