internal import IsometryCommunication
internal import IsometryCore
internal import IsometryGraph

/// The values of one sum over all ranks, side by side in the arena. They are made there, summed in place, and read there.
final class RankSum {
  let memory: Storage
  /// The place of each value, in the order of the operation's inputs.
  let parts: [Storage]
  private var collective: (any Collective)?

  /// - Parameter byteCounts: of the values.
  init(byteCounts: [Int], use: MemoryUse) {
    var offsets: [Int] = []
    var end = 0
    for byteCount in byteCounts {
      offsets.append(end)
      end += (byteCount + 63) / 64 * 64
    }
    let memory = Storage(byteCount: end, use: use)
    self.memory = memory
    parts = zip(byteCounts, offsets).map { byteCount, offset in
      Storage(byteCount: byteCount, .part(of: memory, from: offset), use: use)
    }
  }

  /// - Precondition: the memory has its place in the arena.
  func bind(to ranks: any Communicator) {
    let count = memory.byteCount / MemoryLayout<Float>.stride
    collective = ranks.makeSum(
      of: UnsafeMutableBufferPointer(start: memory.elements(Float.self), count: count))
  }

  func begin() { collective.unsafelyUnwrapped.begin() }
  func wait() { collective.unsafelyUnwrapped.wait() }
}

extension GraphLowering {
  /// Reserves the places of values that are summed over all ranks and read by no other node. An output of such a value
  /// is the sum.
  func reserveSums() throws(CPUError) {
    var useCounts = graph.useCounts
    for output in graph.outputs { useCounts[output.value.index] -= 1 }
    for node in graph.nodes {
      guard case .allReduceStart = node.operation else { continue }
      let types = node.inputs.map { graph.type(of: $0) }
      guard types[0].dtype == .float32 else {
        throw CPUError(action: "sum \(types[0]) over all ranks", status: "it sums fp32 alone")
      }
      let sum = RankSum(byteCounts: types.map(\.byteCount), use: uses[node.inputs[0]])
      sums[node.results[0]] = sum
      for (input, part) in zip(node.inputs, sum.parts) where useCounts[input.index] == 1 {
        reserved[input] = part
      }
    }
  }

  func lowerAllReduceStart(_ node: Node) throws(CPUError) {
    guard let sum = sums[node.results[0]] else {
      preconditionFailure("sums are reserved before nodes are lowered")
    }
    for (index, input) in node.inputs.enumerated() {
      let made = place(input)
      let own = StoredValue(type: made.type, layout: made.layout, storage: sum.parts[index])
      // A value that lies elsewhere, for example because another node reads it too.
      if made.storage !== own.storage { try convert(made, to: own, "copyToSum") }
      setPlace(node.results[index], own)
    }
    emit(
      node.operation.name, reads: [sum.memory] + sum.parts, writes: [sum.memory],
      .whole { sum.begin() })
  }

  func lowerAllReduceWait(_ node: Node) {
    guard let sum = sums[node.inputs[0]] else {
      preconditionFailure("what is awaited was started")
    }
    for (input, result) in zip(node.inputs, node.results) { setPlace(result, place(input)) }
    emit(
      node.operation.name, reads: [sum.memory], writes: [sum.memory] + sum.parts,
      .whole { sum.wait() })
  }
}
