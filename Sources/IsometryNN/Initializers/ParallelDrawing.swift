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
  /// - Parameter draw: returns a weight's elements in row-major order.
  func drawWeights(
    _ store: ParameterStore, _ draw: @Sendable (Parameter) -> [Double]
  ) throws {
    // The limit keeps memory small compared with the network's.
    try drawWeights(ahead: 1 << 23, meanwhile: {}, store, draw)
  }

  /// Draws as above. The calling thread runs `meanwhile` before it stores the first weight.
  ///
  /// - Parameter ahead: the number of elements that may be drawn or in progress before they are stored;
  ///   one weight is always allowed.
  func drawWeights<Other>(
    ahead: Int, meanwhile: () throws -> Other, _ store: ParameterStore,
    _ draw: @Sendable (Parameter) -> [Double]
  ) throws -> Other {
    let weights = parameters.filter(\.role.isWeight)
    let line = DrawingLine(sizes: weights.map(\.shape.elementCount), ahead: ahead)
    return try ProductThreads.withOne {
      try withoutActuallyEscaping(draw) { draw in
        let drawing = DispatchGroup()
        defer {
          line.stop()
          drawing.wait()
        }
        DispatchQueue.global().async(group: drawing) {
          DispatchQueue.concurrentPerform(iterations: weights.count) { _ in
            guard let index = line.begin() else { return }
            line.put(draw(weights[index]), at: index)
          }
        }
        let other = try meanwhile()
        for (index, weight) in weights.enumerated() {
          try store(weight, line.take(index) ?? draw(weight))
        }
        return other
      }
    }
  }
}

/// A queue of weights that several threads draw and one takes in order.
private final class DrawingLine: Sendable {
  private struct State {
    var begun = 0
    /// The number of elements that are begun and not taken.
    var untaken = 0
    var waiting = 0
    var isStopped = false
    var drawn: [[Double]?]
  }

  private let sizes: [Int]
  private let ahead: Int
  private let state: Mutex<State>
  private let done: [DispatchSemaphore]
  private let room = DispatchSemaphore(value: 0)

  init(sizes: [Int], ahead: Int) {
    self.sizes = sizes
    self.ahead = ahead
    state = Mutex(State(drawn: Array(repeating: nil, count: sizes.count)))
    done = sizes.map { _ in DispatchSemaphore(value: 0) }
  }

  /// The index of the next weight to draw, once there is room for it; nil if no more is needed.
  func begin() -> Int? {
    while true {
      let (index, waits): (Int?, Bool) = state.withLock { state in
        guard !state.isStopped, state.begun < sizes.count else { return (nil, false) }
        let size = sizes[state.begun]
        guard state.untaken == 0 || size <= ahead - state.untaken else {
          state.waiting += 1
          return (nil, true)
        }
        state.untaken += size
        state.begun += 1
        return (state.begun - 1, false)
      }
      guard waits else { return index }
      room.wait()
    }
  }

  func put(_ elements: [Double], at index: Int) {
    state.withLock { $0.drawn[index] = elements }
    done[index].signal()
  }

  /// Waits for a weight and makes room. It returns nil if no thread has begun the weight; the caller
  /// must then draw it.
  func take(_ index: Int) -> [Double]? {
    let isBegun = state.withLock { state in
      if state.begun > index { return true }
      state.begun += 1
      return false
    }
    guard isBegun else { return nil }
    done[index].wait()
    return state.withLock { state in
      defer { wake(&state) }
      state.untaken -= sizes[index]
      return state.drawn[index].take()
    }
  }

  func stop() {
    state.withLock { state in
      state.isStopped = true
      wake(&state)
    }
  }

  private func wake(_ state: inout State) {
    for _ in 0..<state.waiting { room.signal() }
    state.waiting = 0
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
