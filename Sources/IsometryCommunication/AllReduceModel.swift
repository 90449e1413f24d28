internal import Glibc

/// The time of a sum over all ranks by the α–β model: a message of n bytes takes α + n/β seconds.
///
/// - Source: Thakur, Rabenseifner, Gropp, "Optimization of collective communication operations in MPICH" (2005).
public struct AllReduceModel: Sendable, Hashable {
  /// α, the seconds of an empty message.
  public var latency: Double
  /// β, in bytes a second.
  public var bandwidth: Double

  /// A network, or the memory of a machine.
  public init(latency: Double, bandwidth: Double) {
    self.latency = latency
    self.bandwidth = bandwidth
  }

  /// Two processes of one machine, roughly. The buckets of runs follow from it. They must not depend on a measurement,
  /// as they decide the order of sums.
  public static let sharedMemory = AllReduceModel(latency: 5e-5, bandwidth: 2e9)

  /// An algorithm of the MPI library.
  public enum Algorithm: String, Sendable, Hashable, CaseIterable {
    /// Each rank sends 2(p − 1) parts of n/p bytes to the next one.
    case ring
    /// A binary tree of ⌈log₂ p⌉ levels, up and down again.
    case tree
  }

  /// The seconds of a sum of `byteCount` bytes over p ranks.
  public func seconds(_ byteCount: Int, ranks: Int, by algorithm: Algorithm) -> Double {
    guard ranks > 1 else { return 0 }
    let (n, p) = (Double(byteCount), Double(ranks))
    return switch algorithm {
    case .ring: 2 * (p - 1) * (latency + n / p / bandwidth)
    case .tree: 2 * log2(p).rounded(.up) * (latency + n / bandwidth)
    }
  }

  /// The algorithm that takes less time, and its seconds.
  public func best(_ byteCount: Int, ranks: Int) -> (algorithm: Algorithm, seconds: Double) {
    let times = Algorithm.allCases.map { ($0, seconds(byteCount, ranks: ranks, by: $0)) }
    return times.min { $0.1 < $1.1 } ?? (.ring, 0)
  }

  /// The bytes of a bucket with which the sums of `total` bytes end soonest after the backward pass.
  ///
  /// With buckets of b bytes, total/b buckets cost α each, and the last one, which nothing hides, b/β. The sum of both is
  /// least for b = √(α·β·total).
  public func bucketBytes(ofTotal total: Int) -> Int {
    max(1, Int((latency * bandwidth * Double(total)).squareRoot()))
  }
}
