/// One entry of a step's launch list.
struct Launch {
  enum Work {
    /// Runs on the calling thread, or divides its work itself.
    case whole(() -> Void)
    /// Independent pieces `0..<count`, such as the images of a batch.
    case pieces(Int, (Range<Int>) -> Void)
  }

  let name: String
  /// The implementation: a vector loop, or oneDNN and its implementation.
  let variant: String
  /// The operation's position in the graph.
  let node: Int
  let reads: [Storage]
  let writes: [Storage]
  let work: Work

  /// All memory that is read or written but the scratchpad's, each piece counted once.
  var byteCount: Int {
    var known = Set<ObjectIdentifier>()
    return (reads + writes).filter { known.insert(ObjectIdentifier($0)).inserted }
      .map(\.byteCount).reduce(0, +)
  }

  func run() {
    switch work {
    case .whole(let body): body()
    case .pieces(let count, let body): ThreadTeam.run(count, body)
    }
  }
}
