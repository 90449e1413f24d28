internal import CLAPACK
internal import Dispatch
internal import IsometryCore
internal import Synchronization

extension NetworkLayout {
  /// Draws weights on all processors; the calling thread stores them in the parameters' order.
  ///
  /// A parameter's elements depend on its random stream alone, so neither the order nor the number of
  /// processors changes them.
  ///
  /// - Parameters:
  ///   - limit: the number of elements that are drawn before they are stored, except for a single larger
  ///     weight. It keeps memory small compared with the network's.
  ///   - draw: returns a weight's elements in row-major order.
  func drawWeights(
    _ store: ParameterStore, atOnce limit: Int = 1 << 24, _ draw: @Sendable (Parameter) -> [Double]
  ) throws {
    var rest = parameters.filter(\.role.isWeight)[...]
    while let first = rest.first {
      var size = first.shape.elementCount
      let next = rest.dropFirst().prefix { weight in
        size += weight.shape.elementCount
        return size <= limit
      }
      let weights = [first] + next
      rest = rest.dropFirst(weights.count)
      for (weight, elements) in zip(weights, ParallelDrawing.map(weights, draw)) {
        try store(weight, elements)
      }
    }
  }
}

/// A parallel map on all processors. Each transform runs its matrix products on one thread.
enum ParallelDrawing {
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

/// The number of threads that OpenBLAS uses, a setting of the whole process.
///
/// It is one per caller. Several threads sum in another order, so that results would depend on their
/// number. They also busy-wait for each other, which under other load takes many times as long as one
/// thread.
enum ProductThreads {
  /// The number of callers that need one thread, and the number of threads before.
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
