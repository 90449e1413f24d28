internal import CVectorLoops
internal import Glibc
public import IsometryCommunication

/// The processors of one of several ranks on a machine.
public enum ProcessorShare {
  /// Divides the machine's processors among its ranks. Each rank runs on its own, and has as many threads of the
  /// `cpu` device. Called once, before a session is made.
  ///
  /// Nothing changes if the launcher has bound the ranks to processors of their own, or if `OMP_NUM_THREADS` is set.
  public static func take(among ranks: any Communicator) {
    let own = Self.processors
    let hasOneSet = ranks.areEqual(digest(of: own))
    guard hasOneSet, ranks.localSize > 1, getenv("OMP_NUM_THREADS") == nil, !own.isEmpty else {
      return
    }
    let first = own.count * ranks.localRank / ranks.localSize
    let end = own.count * (ranks.localRank + 1) / ranks.localSize
    let share = first < end ? Array(own[first..<end]) : [own[ranks.localRank % own.count]]
    vl_bind_threads(share, Int32(share.count))
    vl_set_thread_count(Int32(share.count))
  }

  /// The processors that the calling thread may run on, in words: `processor 0`, `processors 0, 1`.
  public static var description: String {
    let numbers = processors.map(String.init).joined(separator: ", ")
    return "\(processors.count == 1 ? "processor" : "processors") \(numbers)"
  }

  private static let mostProcessors = 1024

  private static var processors: [Int32] {
    [Int32](unsafeUninitializedCapacity: mostProcessors) { numbers, count in
      count = Int(vl_processors(numbers.baseAddress, Int32(mostProcessors)))
    }
  }

  private static func digest(of processors: [Int32]) -> Int64 {
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for processor in processors { digest = (digest ^ UInt64(processor)) &* 0x100_0000_01b3 }
    return Int64(digest >> 1)
  }
}
