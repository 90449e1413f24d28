internal import CMPIBridge

/// The processes that an MPI launcher started: `mpirun`, `srun` or another.
///
/// One thread makes every call of MPI, so sums make progress while the process computes.
public final class MPICommunicator: Communicator {
  public let rank: Int
  public let size: Int
  public let localRank: Int
  public let localSize: Int
  /// The library and its version.
  public let library: String
  private static let startSeconds = 120.0
  private static let textLength = 1000

  /// Whether the package was built with MPI.
  public static var isAvailable: Bool { mpi_is_available() != 0 }

  /// Starts MPI.
  ///
  /// - Precondition: the process has no other.
  /// - Throws: `CommunicationError` if MPI does not start.
  public init() throws(CommunicationError) {
    var place = mpi_place()
    if let reason = mpi_start(Self.startSeconds, &place) {
      throw .notStarted(reason: String(cString: reason))
    }
    rank = Int(place.rank)
    size = Int(place.size)
    localRank = Int(place.local_rank)
    localSize = Int(place.local_size)
    library = String(cString: mpi_library())
  }

  /// Sets the seconds for which a rank may keep the others waiting. After that, all ranks end, with a message that
  /// names it. 60 by default.
  public func setTimeout(seconds: Double) { mpi_set_timeout(seconds) }

  /// The name of a rank's machine.
  public func host(ofRank rank: Int) -> String { String(cString: mpi_host(Int32(rank))) }

  /// Waits until all ranks have called it, and ends MPI.
  ///
  /// - Returns: whether they have, within a number of seconds. If not, `abort` ends them.
  public func finish(within seconds: Double) -> Bool { mpi_finish(seconds) != 0 }

  /// Ends the processes of all ranks with an exit code.
  public func abort(code: Int32) { mpi_abort(code) }

  public func makeSum(of numbers: UnsafeMutableBufferPointer<Float>) -> any Collective {
    Job(MPI_LANE_DATA, MPI_JOB_SUM_FLOATS, numbers.baseAddress, count: numbers.count)
  }

  public func makeMaximum(of numbers: UnsafeMutableBufferPointer<Int64>) -> any Collective {
    Job(MPI_LANE_CONTROL, MPI_JOB_MAXIMUM, numbers.baseAddress, count: numbers.count)
  }

  public func sum(_ numbers: [Double]) -> [Double] {
    var result = numbers
    result.withUnsafeMutableBufferPointer {
      Job(MPI_LANE_CONTROL, MPI_JOB_SUM_DOUBLES, $0.baseAddress, count: $0.count).run()
    }
    return result
  }

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {
    let most = Int(Int32.max)
    for start in stride(from: 0, to: bytes.count, by: most) {
      let part = bytes[start..<min(start + most, bytes.count)]
      Job(
        MPI_LANE_CONTROL, MPI_JOB_BROADCAST,
        UnsafeMutableRawBufferPointer(rebasing: part).baseAddress,
        count: part.count
      ).run()
    }
  }

  public func gather(_ text: String) -> [String] {
    let length = Self.textLength
    var own = Array(text.utf8.prefix(length))
    own += [UInt8](repeating: 0, count: length - own.count)
    var all = [UInt8](repeating: 0, count: length * size)
    own.withUnsafeMutableBytes { own in
      all.withUnsafeMutableBytes { all in
        Job(
          MPI_LANE_CONTROL, MPI_JOB_GATHER, own.baseAddress, target: all.baseAddress,
          count: length
        ).run()
      }
    }
    guard rank == 0 else { return [] }
    return (0..<size).map { rank in
      String(decoding: all[rank * length..<(rank + 1) * length].prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  public func waitForAll() { Job(MPI_LANE_CONTROL, MPI_JOB_BARRIER, nil, count: 0).run() }

  public func whileOthersWait<Result>(_ body: () throws -> Result) rethrows -> Result {
    mpi_set_excused(1)
    defer { mpi_set_excused(0) }
    return try body()
  }

  public func takeTimes() -> CommunicationTimes {
    var (all, waited) = (0.0, 0.0)
    mpi_take_times(&all, &waited)
    return CommunicationTimes(seconds: all, waitedSeconds: waited)
  }

  private final class Job: Collective {
    private let job: OpaquePointer?

    init(
      _ lane: mpi_lane, _ kind: mpi_job_kind, _ buffer: UnsafeMutableRawPointer?,
      target: UnsafeMutableRawPointer? = nil, count: Int
    ) {
      precondition(count <= Int(Int32.max), "MPI counts the elements of one collective in 32 bits")
      job = mpi_make(lane, kind, buffer, target, Int64(count))
    }

    deinit { mpi_free(job) }

    func begin() { mpi_begin(job) }
    func wait() { mpi_wait(job) }

    func run() {
      begin()
      wait()
    }
  }
}
