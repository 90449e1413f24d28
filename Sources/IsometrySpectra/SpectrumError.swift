/// The reason why a spectrum cannot be measured.
public enum SpectrumError: Error, Equatable {
  /// The request does not fit the network; `reason` gives the reason and an alternative.
  case unsuitable(reason: String)
  /// LAPACK's routine `routine` did not converge and returned `info` > 0.
  case notConverged(routine: String, info: Int)
}

extension SpectrumError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unsuitable(let reason): reason
    case .notConverged(let routine, let info):
      "\(routine) did not converge (info \(info)); the Jacobian may hold values that are not finite"
    }
  }
}
