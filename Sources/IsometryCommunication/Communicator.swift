/// The processes that train one network together, one for each device.
///
/// Every rank makes the same calls in the same order. A session and a trainer use a communicator from one thread.
public protocol Communicator: AnyObject, Sendable {
  /// The number of this process, from 0.
  var rank: Int { get }
  /// The number of processes.
  var size: Int { get }
  /// The number of this process among those of its machine, from 0.
  var localRank: Int { get }
  /// The number of processes on this machine.
  var localSize: Int { get }

  /// A sum over all ranks, in place and not started. It may run once in every step.
  ///
  /// The order of the terms depends on the number of ranks and of numbers alone.
  ///
  /// - Parameter numbers: memory that outlives the collective.
  func makeSum(of numbers: UnsafeMutableBufferPointer<Float>) -> any Collective

  /// The largest of each number over all ranks, in place and not started. Collectives of this kind do not wait
  /// for sums, nor do sums for them.
  ///
  /// - Parameter numbers: memory that outlives the collective.
  func makeMaximum(of numbers: UnsafeMutableBufferPointer<Int64>) -> any Collective

  /// The sum of each number over all ranks.
  func sum(_ numbers: [Double]) -> [Double]

  /// Gives all ranks the bytes of rank 0, in place.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer)

  /// A text of each rank, in their order; empty on all ranks but 0. Texts are cut at 1,000 bytes.
  func gather(_ text: String) -> [String]

  /// Waits until all ranks have come so far.
  func waitForAll()

  /// Work that this rank alone does, for which the others wait without a limit.
  func whileOthersWait<Result>(_ body: () throws -> Result) rethrows -> Result

  /// The time that sums took since the last call.
  func takeTimes() -> CommunicationTimes
}

extension Communicator {
  /// Whether all ranks have the same number, which is not negative.
  public func areEqual(_ number: Int64) -> Bool {
    let extremes = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 2)
    defer { extremes.deallocate() }
    _ = extremes.initialize(from: [number, -number])
    let maximum = makeMaximum(of: extremes)
    maximum.begin()
    maximum.wait()
    return extremes[0] == -extremes[1]
  }
}

/// An operation of all ranks that runs while its caller computes.
public protocol Collective: AnyObject {
  /// Starts it. The memory is not to be used until `wait` returns.
  ///
  /// - Precondition: it does not run.
  func begin()
  /// Waits for its end.
  func wait()
}

/// The time of collectives on one rank.
public struct CommunicationTimes: Sendable, Hashable {
  /// Seconds in which sums were under way. They include the wait for ranks that come later.
  public var seconds: Double
  /// The part of `seconds` in which the rank waited.
  public var waitedSeconds: Double

  /// Times in seconds.
  public init(seconds: Double, waitedSeconds: Double) {
    self.seconds = seconds
    self.waitedSeconds = waitedSeconds
  }

  /// The share of the time that the computation hid, 0 to 1; nil without communication.
  public var hiddenShare: Double? {
    seconds > 0 ? max(0, 1 - waitedSeconds / seconds) : nil
  }
}

/// One process that trains alone. Its collectives leave everything as it is.
public final class SingleProcess: Communicator {
  public let size: Int

  /// A process without others.
  ///
  /// - Parameter size: the number of ranks of a larger run, of which it computes the part of rank 0: for models of such
  ///   runs.
  public init(asOneOf size: Int = 1) { self.size = size }

  public var rank: Int { 0 }
  public var localRank: Int { 0 }
  public var localSize: Int { 1 }

  public func makeSum(of numbers: UnsafeMutableBufferPointer<Float>) -> any Collective {
    Completed()
  }
  public func makeMaximum(of numbers: UnsafeMutableBufferPointer<Int64>) -> any Collective {
    Completed()
  }
  public func sum(_ numbers: [Double]) -> [Double] { numbers }
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {}
  public func gather(_ text: String) -> [String] { [text] }
  public func waitForAll() {}
  public func whileOthersWait<Result>(_ body: () throws -> Result) rethrows -> Result {
    try body()
  }
  public func takeTimes() -> CommunicationTimes {
    CommunicationTimes(seconds: 0, waitedSeconds: 0)
  }

  private final class Completed: Collective {
    func begin() {}
    func wait() {}
  }
}
