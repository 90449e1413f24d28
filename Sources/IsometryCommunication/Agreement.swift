/// Numbers of which all ranks take the largest, again and again, for example once a step.
public final class Agreement {
  private let numbers: UnsafeMutableBufferPointer<Int64>
  private let maximum: any Collective

  /// An agreement on `count` numbers.
  public init(on count: Int, of ranks: any Communicator) {
    numbers = .allocate(capacity: count)
    numbers.initialize(repeating: 0)
    maximum = ranks.makeMaximum(of: numbers)
  }

  deinit { numbers.deallocate() }

  /// Waits for the numbers of all ranks, and allocates nothing.
  ///
  /// - Parameter own: sets this rank's numbers.
  /// - Returns: the largest of each, valid until the next call.
  public func reach(
    _ own: (UnsafeMutableBufferPointer<Int64>) -> Void
  ) -> UnsafeBufferPointer<Int64> {
    own(numbers)
    maximum.begin()
    maximum.wait()
    return UnsafeBufferPointer(numbers)
  }
}
