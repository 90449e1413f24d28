internal import CLAPACK
internal import Dispatch
internal import IsometryCore
internal import Synchronization

extension NetworkLayout {
  /// Draws every weight on all processors and stores them in the order of the parameters.
  ///
  /// A parameter's elements depend on its own random stream alone, so neither the order nor the number
  /// of processors changes them.
  ///
  /// - Parameter draw: gives a weight's elements in row-major order.
  func drawWeights(
    _ store: (Parameter, [Double]) throws -> Void, _ draw: @Sendable (Parameter) -> [Double]
  ) throws {
    var waiting = parameters.filter(\.role.isWeight)[...]
    while !waiting.isEmpty {
      // So many at a time that memory stays small beside the network's own.
      var count = 0
      var elements = 0
      while count < waiting.count, count == 0 || elements < Self.elementsAtATime {
        elements += waiting[waiting.startIndex + count].shape.elementCount
        count += 1
      }
      let batch = Array(waiting.prefix(count))
      let drawn = ParallelDrawing.map(batch) { draw($0) }
      for (parameter, values) in zip(batch, drawn) { try store(parameter, values) }
      waiting = waiting.dropFirst(count)
    }
  }

  private static let elementsAtATime = 1 << 23
}

/// Work on all processors, with matrix products on the processor that asks for them.
enum ParallelDrawing {
  /// The results for all elements, in their order.
  static func map<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ transform: @Sendable (Element) -> Result
  ) -> [Result] {
    ProductThreads.withOne {
      let results = Mutex([Result?](repeating: nil, count: elements.count))
      DispatchQueue.concurrentPerform(iterations: elements.count) { index in
        let result = transform(elements[index])
        results.withLock { $0[index] = result }
      }
      return results.withLock { $0.map { $0! } }
    }
  }
}

/// How many threads OpenBLAS uses, a setting of the whole process.
///
/// One for each caller: several threads sum in another order, so that results would depend on their
/// number, and they wait for each other awake, which beside other work takes many times as long as
/// one thread does.
enum ProductThreads {
  /// How many callers want one, and how many threads there were before.
  private static let state = Mutex((users: 0, before: blasint(1)))

  static func withOne<Result>(_ body: () throws -> Result) rethrows -> Result {
    state.withLock { state in
      if state.users == 0 {
        state.before = openblas_get_num_threads()
        openblas_set_num_threads(1)
      }
      state.users += 1
    }
    defer {
      state.withLock { state in
        state.users -= 1
        if state.users == 0 { openblas_set_num_threads(state.before) }
      }
    }
    return try body()
  }
}
