#if OpenCL
  internal import OpenCLRuntime

  /// How long the device stood still between steps, by its own clock.
  ///
  /// A step's first command is the copy of its inputs, which runs as soon as they have arrived and the
  /// step before is done; a gap between the two is time without inputs. Gaps across which the host
  /// waited of its own will (a read, a synchronisation) do not count.
  struct IdleClock: Sendable {
    private var lastEnd: Event?
    private var gaps: [(from: Event, to: Event)] = []
    private var total = 0.0

    /// - Parameters:
    ///   - first: the step's first command; nil for a step without inputs, which never waits.
    ///   - last: its last.
    mutating func record(first: Event?, last: Event) {
      if let from = lastEnd, let first { gaps.append((from, first)) }
      lastEnd = last
      if gaps.count > 64 { settle() }
    }

    /// The host waits, or writes; what the device does meanwhile is no fault of the inputs.
    mutating func pause() { lastEnd = nil }

    /// Seconds since the last call.
    mutating func take() -> Double {
      settle()
      defer { total = 0 }
      return total
    }

    /// Adds up the gaps that are over and forgets their events.
    private mutating func settle() {
      gaps.removeAll { gap in
        guard (try? gap.to.isComplete) ?? true else { return false }
        if let end = try? gap.from.interval.upperBound, let start = try? gap.to.interval.lowerBound
        {
          total += max(0, start - end)
        }
        return true
      }
    }
  }
#endif
