#if OpenCL
  internal import OpenCLRuntime

  /// How long the device stood still between steps, by its own clock.
  ///
  /// A step's first command is the copy of its inputs, which runs as soon as they have arrived and the
  /// step before is done; a gap between the two is time without inputs. Gaps across which the host
  /// waited of its own will (a read, a synchronisation) do not count.
  struct IdleClock: Sendable {
    /// Gaps that are kept before those that are over are added up.
    private static let capacity = 64

    private var lastEnd: Event?
    private var gaps: [(from: Event, to: Event)] = []
    private var total = 0.0
    /// Whether the device told the time of every gap since the last call of `take`.
    private var isWhole = true

    init() { gaps.reserveCapacity(Self.capacity + 1) }

    /// - Parameters:
    ///   - first: the step's first command; nil for a step without inputs, which never waits.
    ///   - last: its last.
    mutating func record(first: Event?, last: Event) {
      if let from = lastEnd, let first { gaps.append((from, first)) }
      lastEnd = last
      if gaps.count > Self.capacity { settle() }
    }

    /// The host waits, or writes; what the device does meanwhile is no fault of the inputs.
    mutating func pause() { lastEnd = nil }

    /// Seconds since the last call; nil where the device did not tell the time of some gap.
    mutating func take() -> Double? {
      settle()
      defer { (total, isWhole) = (0, true) }
      return isWhole ? total : nil
    }

    /// Adds up the gaps that are over and forgets their events.
    private mutating func settle() {
      gaps.removeAll { gap in
        do {
          guard try gap.to.isComplete else { return false }
          total += max(0, try gap.to.interval.lowerBound - gap.from.interval.upperBound)
        } catch {
          isWhole = false
        }
        return true
      }
    }
  }
#endif
