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
      let drawn = Mutex([[Double]](repeating: [], count: count))
      DispatchQueue.concurrentPerform(iterations: count) { index in
        let values = draw(batch[index])
        drawn.withLock { $0[index] = values }
      }
      for (parameter, values) in zip(batch, drawn.withLock { $0 }) { try store(parameter, values) }
      waiting = waiting.dropFirst(count)
    }
  }

  private static let elementsAtATime = 1 << 23
}
