internal import DeviceRuntime

/// The time for which the device stood still between steps, by its own clock.
///
/// A step begins as soon as its inputs have arrived and the step before is done. A gap from that end to
/// the arrival is time without inputs. Gaps across which the host waited of its own will (a read, a
/// synchronization) do not count.
///
/// Nothing is allocated: it keeps a bounded number of gaps, of which a device has at most one for
/// every step on its way.
struct IdleClock: ~Copyable, Sendable {
  private struct Gap: ~Copyable {
    let from: Event
    let to: Event

    /// Seconds; nil while it lasts.
    var seconds: Double? {
      get throws {
        guard try to.isComplete else { return nil }
        return max(0, try to.seconds(after: from))
      }
    }
  }

  private var lastEnd: Event?
  /// The first `count` are gaps that have not been added up.
  private var gaps: [64 of Gap?] = InlineArray { _ in nil }
  private var count = 0
  private var total = 0.0
  /// Whether the device reported the time of every gap since the last call of `take`.
  private var isWhole = true

  /// - Parameters:
  ///   - first: the arrival of the step's inputs; nil for a step without inputs, which never waits.
  ///   - last: its end.
  mutating func record(first: consuming Event?, last: consuming Event?) {
    if let from = lastEnd.take(), let to = first.take() {
      if count == gaps.count { settle() }
      if count < gaps.count {
        gaps[count] = Gap(from: from, to: to)
        count += 1
      } else {
        isWhole = false
      }
    }
    lastEnd = last
  }

  /// The host waits, or writes; what the device does meanwhile is no fault of the inputs.
  mutating func pause() { lastEnd = nil }

  /// Seconds since the last call; nil if the device did not report the time of some gap.
  mutating func take() -> Double? {
    settle()
    defer { (total, isWhole) = (0, true) }
    return isWhole ? total : nil
  }

  /// Adds up the gaps that are over and forgets their events.
  private mutating func settle() {
    var kept = 0
    for index in 0..<count {
      guard let gap = gaps[index].take() else { continue }
      do {
        if let seconds = try gap.seconds {
          total += seconds
        } else {
          gaps[kept] = consume gap
          kept += 1
        }
      } catch {
        isWhole = false
      }
    }
    count = kept
  }
}
