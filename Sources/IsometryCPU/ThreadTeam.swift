internal import CVectorLoops

/// The threads that the vector loops run on: oneDNN's own team.
enum ThreadTeam {
  /// Fixed for the life of the process, as workspaces are made for so many threads.
  static let threadCount = Int(vl_thread_count())

  /// Which thread the calling one is, within `run`.
  static var threadIndex: Int { Int(vl_thread_index()) }

  /// Runs the body on consecutive parts of `0..<count`, one for each thread, and returns when all are
  /// done. The body must give the same results however the range is divided.
  static func run(_ count: Int, _ body: (Range<Int>) -> Void) {
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { context in
        vl_parallel(
          Int64(count), Int32(threadCount),
          { context, first, last in
            context?.assumingMemoryBound(to: ((Range<Int>) -> Void).self)
              .pointee(Int(first)..<Int(last))
          }, UnsafeMutableRawPointer(mutating: context))
      }
    }
  }
}
