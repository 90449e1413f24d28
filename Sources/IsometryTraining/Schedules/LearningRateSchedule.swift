import Foundation

/// The learning rate of each step of a run: a shape over the whole run behind an optional warm-up.
///
/// During the first `warmupSteps` steps w the rate rises linearly to the first rate of the shape:
/// (s + 1)/w of it at step s. The shape then spans the steps that are left.
public struct LearningRateSchedule: Sendable, Hashable {
  /// The course of a schedule over n steps; r is the largest rate, s counts from 0.
  public enum Shape: Sendable, Hashable {
    /// r throughout.
    case constant
    /// r·gammaᵏ with k the number of milestones (in steps of the run) at or before the step.
    case step(milestones: [Int], gamma: Double)
    /// r·(1 − s/n), and 0 after the last step.
    case linear
    /// r·(1 + cos(πs/n))/2.
    case cosine
    /// A rise from r/25 to r at step peak·n − 1, then a fall to r/250,000 at step n − 1, both along
    /// half a cosine. The momentum is constant; PyTorch's scheduler cycles it by default.
    /// Source: Smith & Topin (2018), in the form of PyTorch's `OneCycleLR`.
    case oneCycle(peak: Double)
  }

  /// The shape after the warm-up.
  public let shape: Shape
  /// r, the largest rate of the shape.
  public let peakRate: Double
  /// Steps of the run, the warm-up's included.
  public let totalSteps: Int
  /// Steps before the shape begins.
  public let warmupSteps: Int

  static let oneCycleInitialDivisor = 25.0
  static let oneCycleFinalDivisor = 1e4

  /// A schedule with a peak rate over a number of steps.
  ///
  /// - Precondition: the rate and the number of steps are positive. The warm-up has 0 to
  ///   `totalSteps` steps. The peak is within [0, 1]. Milestones are not negative.
  public init(_ shape: Shape, peakRate: Double, totalSteps: Int, warmupSteps: Int = 0) {
    precondition(peakRate > 0 && peakRate.isFinite, "a learning rate is positive")
    precondition(totalSteps > 0, "a schedule spans at least one step")
    precondition((0...totalSteps).contains(warmupSteps), "a warm-up fits in the run")
    switch shape {
    case .oneCycle(let peak): precondition((0...1).contains(peak), "a peak lies within the run")
    case .step(let milestones, _):
      precondition(milestones.allSatisfy { $0 >= 0 }, "milestones are steps of the run")
    case .constant, .linear, .cosine: break
    }
    self.shape = shape
    self.peakRate = peakRate
    self.totalSteps = totalSteps
    self.warmupSteps = warmupSteps
  }

  /// The learning rate of a step, counted from 0. Steps past the end have the last step's rate, or 0 if
  /// the shape is linear.
  public func rate(atStep step: Int) -> Double {
    if case .linear = shape, step >= totalSteps { return 0 }
    let step = min(step, totalSteps - 1)
    guard step < warmupSteps else {
      return shapeRate(atStep: step - warmupSteps, of: totalSteps - warmupSteps, runStep: step)
    }
    let target = shapeRate(
      atStep: 0, of: max(1, totalSteps - warmupSteps), runStep: warmupSteps)
    return target * Double(step + 1) / Double(warmupSteps)
  }

  private func shapeRate(atStep step: Int, of count: Int, runStep: Int) -> Double {
    switch shape {
    case .constant:
      peakRate
    case .step(let milestones, let gamma):
      peakRate * pow(gamma, Double(milestones.count { $0 <= runStep }))
    case .linear:
      peakRate * (1 - Double(step) / Double(count))
    case .cosine:
      Self.halfCosine(from: peakRate, to: 0, Double(step) / Double(count))
    case .oneCycle(let peak):
      oneCycleRate(atStep: Double(step), of: Double(count), peak: peak)
    }
  }

  private func oneCycleRate(atStep step: Double, of count: Double, peak: Double) -> Double {
    let initial = peakRate / Self.oneCycleInitialDivisor
    let final = initial / Self.oneCycleFinalDivisor
    // A peak within the first step leaves no rise, one in the last step no fall.
    let top = max(0, peak * count - 1)
    let last = count - 1
    if step <= top, top > 0 {
      return Self.halfCosine(from: initial, to: peakRate, step / top)
    }
    guard last > top else { return peakRate }
    return Self.halfCosine(from: peakRate, to: final, (step - top) / (last - top))
  }

  /// `start` at fraction 0, `end` at fraction 1, along half a period of a cosine.
  private static func halfCosine(from start: Double, to end: Double, _ fraction: Double) -> Double {
    end + (start - end) / 2 * (1 + cos(Double.pi * fraction))
  }
}
