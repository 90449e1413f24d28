/// The reason why a spectrum cannot be measured.
public enum SpectrumError: Error, Equatable {
  /// The request does not fit the network; `reason` gives the reason and an alternative.
  case unsuitable(reason: String)
  /// LAPACK's routine `routine` did not converge and returned `info` > 0.
  case notConverged(routine: String, info: Int)
  /// All singular values of a Jacobian of that size would take more bytes than are free.
  case notEnoughMemory(inputs: Int, outputs: Int, needed: Int, free: Int)
}

extension SpectrumError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unsuitable(let reason): reason
    case .notEnoughMemory(let inputs, let outputs, let needed, let free):
      "a dense spectrum of \(outputs) × \(inputs) would take \(needed >> 20) MiB, and \(free >> 20) MiB are "
        + "free; take a smaller network or the method lanczos"
    case .notConverged(let routine, let info):
      "\(routine) did not converge (info \(info)); the Jacobian may hold values that are not finite"
    }
  }
}
