internal import CLAPACK
internal import Dispatch
internal import IsometryCore
internal import Synchronization

extension NetworkLayout {
  /// Draws every weight on all processors, while the calling thread stores them in the order of the
  /// parameters.
  ///
  /// A parameter's elements depend on its own random stream alone, so neither the order nor the number
  /// of processors changes them.
  ///
  /// - Parameter draw: gives a weight's elements in row-major order.
  func drawWeights(
    _ store: (Parameter, [Double]) throws -> Void, _ draw: @Sendable (Parameter) -> [Double]
  ) throws {
    // So many ahead that memory stays small beside the network's own.
    try drawWeights(ahead: 1 << 23, meanwhile: {}, store, draw)
  }

  /// As above, with something else that the calling thread does before it stores the first.
  ///
  /// - Parameter ahead: how many elements may be drawn or on their way before they are stored; one
  ///   weight may always be.
  func drawWeights<Other>(
    ahead: Int, meanwhile: () throws -> Other,
    _ store: (Parameter, [Double]) throws -> Void, _ draw: @Sendable (Parameter) -> [Double]
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

/// Weights that several threads draw and one takes in order.
private final class DrawingLine: Sendable {
  private struct State {
    var begun = 0
    /// Elements of what is begun and not taken.
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

  /// The index of the next weight to draw, as soon as there is room for it; nil where none is wanted any
  /// more.
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

  /// Waits for a weight and makes room; nil where nobody has begun it, which is then the caller's to draw.
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
