internal import CVectorLoops

/// The threads that the vector loops run on: oneDNN's own team.
enum ThreadTeam {
  /// Fixed for the life of the process, as workspaces are made for that number of threads.
  static let threadCount = Int(vl_thread_count())

  /// Which thread the calling one is, within `run`.
  static var threadIndex: Int { Int(vl_thread_index()) }

  /// Runs the body on consecutive parts of `0..<count`, one for each thread, and returns when all are
  /// done. The body must give the same results however the range is divided. Nothing is allocated:
  /// a caller that runs the body repeatedly keeps it, and it is passed on as it is.
  static func run(_ count: Int, _ body: @escaping (Range<Int>) -> Void) {
    withUnsafePointer(to: Body(run: body)) { context in
      vl_parallel(
        Int64(count), Int32(threadCount),
        { context, first, last in
          context?.assumingMemoryBound(to: Body.self).pointee.run(Int(first)..<Int(last))
        }, UnsafeMutableRawPointer(mutating: context))
    }
  }

  /// A closure within a type of its own is passed by address without a wrapper on the heap.
  private struct Body {
    let run: (Range<Int>) -> Void
  }
}
