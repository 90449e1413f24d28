internal import RealModule

/// Weight scales that give a network a target level of isometry.
public struct Calibration: Sendable, Hashable {
  /// σ_w.
  public var weightDeviation: Double
  /// The standard deviation of the entries of the branch's last weight, times the square root of its
  /// fan-in: σ_w/√L.
  public var scaledEntryDeviation: Double
}

extension ResidualModel {
  /// The σ_w for which the law of this network has c/a² = `level`. The model's σ_w is not used.
  ///
  /// Networks with the same c/a² have the same spectrum at initialization for every activation. A
  /// comparison of activations then does not compare initializations.
  ///
  /// - Throws: `TheoryError.outsideDomain` for invalid parameters; `TheoryError.noSolution` if no σ_w
  ///   up to 10⁸ reaches the level, or if the signal overflows Double before c reaches it.
  /// - Source: the proposal of Tarnowski, Warchoł, Jastrzębski, Tabor, Nowak (2019).
  public func calibrated(to level: Double) throws(TheoryError) -> Calibration {
    let levels = UniversalLaw.cumulants
    try TheoryError.require(
      levels.contains(level), "c", level, "\(levels.lowerBound) to \(levels.upperBound)")
    var model = self
    model.weightDeviation = 1
    try model.check()
    if activation.isHomogeneous { return try homogeneousCalibration(to: level) }
    guard !skipsOverflow else { throw overflow() }
    // One table serves all evaluations. A copy in each would lose its computed octaves.
    var moments = MomentTable(activation, isInterpolating: true)
    let scale = skipWeight.magnitude
    let wanted = Double.log(level)
    let limit = level * .exp(Self.tooMuch) * Double(depth) * scale * scale

    /// log of reached over target, up to `tooMuch`. If the signal explodes, the later blocks would take
    /// long and add no information.
    func excess(_ logDeviation: Double) -> Double {
      model.weightDeviation = scale * .exp(logDeviation)
      var sum = 0.0
      do throws(TheoryError) {
        try model.forEachBlock(moments: &moments, isBounded: true) { layer in
          sum += layer.cumulant
          return sum < limit
        }
      } catch {
        return Self.tooMuch
      }
      let reached = sum / (Double(depth) * scale * scale)
      return sum < limit ? .log(max(reached, .leastNormalMagnitude)) - wanted : Self.tooMuch
    }

    // c is nearly proportional to σ_w², so a few doublings from here bracket the solution.
    var low = wanted / 2
    var high = low
    let step = Double.log(2)
    if excess(low) < 0 {
      repeat {
        low = high
        high += step
        guard high < Self.largestLogDeviation else { throw staysBelow(level) }
      } while excess(high) < 0
    } else {
      repeat {
        high = low
        low -= step
        guard low > -Self.largestLogDeviation else {
          throw .noSolution(
            unknown: "σ_w",
            reason: "c stays above \(level) down to σ_w = 10⁻⁸ with \(activation.name); choose a "
              + "larger c")
        }
      } while excess(low) > 0
    }
    guard let root = RootFinding.brent(in: low...high, tolerance: 1e-14, excess) else {
      throw .noSolution(
        unknown: "σ_w", reason: "c is not a continuous function of σ_w with \(activation.name)")
    }
    // If the signal overflows Double, the excess jumps. Brent's method takes that jump for a root.
    guard abs(excess(root)) < 1e-9 else {
      throw .noSolution(
        unknown: "σ_w",
        reason: "with \(activation.name) the signal of \(depth) blocks grows beyond all numbers "
          + "before c reaches \(level); choose a smaller c or fewer blocks")
    }
    return calibration(scale * .exp(root))
  }

  /// For ReLU and other homogeneous activations c is σ_w² times a constant for any signal, even beyond
  /// Double's range.
  private func homogeneousCalibration(to level: Double) throws(TheoryError) -> Calibration {
    var share = paddingFactor * (try activation.moments(variance: 1).slopeSquare)
    if case .twoLayer(let first) = branch { share *= first * paddingFactor }
    if !blockFactors.isEmpty {
      share *= blockFactors.reduce(0) { $0 + $1 * $1 } / Double(blockFactors.count)
    }
    let deviation = skipWeight.magnitude * (level / share).squareRoot()
    guard deviation < .exp(Self.largestLogDeviation) else { throw staysBelow(level) }
    return calibration(deviation)
  }

  private func staysBelow(_ level: Double) -> TheoryError {
    .noSolution(
      unknown: "σ_w",
      reason: "c stays below \(level) up to σ_w = 10⁸ with \(activation.name); choose a smaller c")
  }

  private func calibration(_ deviation: Double) -> Calibration {
    Calibration(
      weightDeviation: deviation,
      scaledEntryDeviation: deviation / Double(depth).squareRoot())
  }

  private static let tooMuch = 4.0
  private static let largestLogDeviation = 18.4  // log 10⁸
}
