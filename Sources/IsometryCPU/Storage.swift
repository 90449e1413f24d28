internal import IsometryGraph

/// A piece of memory that launches read and write: a tensor or a workspace. Launches hold the storage;
/// where it lies is decided when the arena is planned, and for inputs in each step.
final class Storage {
  enum Kind {
    /// Shares the arena with others.
    case transient
    /// Lies in the arena until the step ends: an output.
    case output
    /// Has memory of its own: a variable, a table.
    case permanent
    /// Lies where its owner says: in the staging slot that the step takes, in the scratchpad.
    case external
    /// Lies in another storage, from an offset in bytes on.
    case part(of: Storage, from: Int)
  }

  private(set) var byteCount: Int
  private(set) var kind: Kind
  /// The use of the contents, for reports.
  let use: MemoryUse
  /// nil until the session is bound.
  var pointer: UnsafeMutableRawPointer?
  private var memory: ZeroedMemory?

  init(byteCount: Int, _ kind: Kind = .transient, use: MemoryUse = .temporaries) {
    self.byteCount = byteCount
    self.kind = kind
    self.use = use
    if case .permanent = kind { allocate() }
  }

  /// Whether the memory is used beyond one step: a variable's or an input's.
  var outlivesStep: Bool {
    switch kind {
    case .permanent, .external: true
    case .transient, .output, .part: false
    }
  }

  var isOutput: Bool {
    if case .output = kind { true } else { false }
  }

  /// The storage that the memory plan places: this one, or that of which it is a part; nil if it has a place.
  var planned: Storage? {
    switch kind {
    case .transient, .output: self
    case .part(let whole, _): whole.planned
    case .permanent, .external: nil
    }
  }

  func keepUntilEnd() {
    switch kind {
    case .transient: kind = .output
    case .part(let whole, _): whole.keepUntilEnd()
    case .output, .permanent, .external: break
    }
  }

  /// Takes the place that a part has once the storage around it has one.
  func takePlaceInWhole() {
    guard case .part(let whole, let offset) = kind else { return }
    whole.takePlaceInWhole()
    pointer = whole.bytes(from: offset)
  }

  /// Makes the storage at least so large; only before it has memory.
  func grow(to byteCount: Int) {
    precondition(pointer == nil, "memory that exists does not grow")
    self.byteCount = max(self.byteCount, byteCount)
  }

  /// Gives the storage zeroed memory of its own.
  func allocate() {
    guard pointer == nil else { return }
    let memory = ZeroedMemory(byteCount: byteCount)
    pointer = memory.pointer
    self.memory = consume memory
  }

  /// The memory as elements.
  ///
  /// - Precondition: the session is bound.
  @inline(__always)
  func elements<Element>(_: Element.Type = Element.self) -> UnsafeMutablePointer<Element> {
    pointer.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
  }

  /// The memory from an offset in bytes on.
  @inline(__always)
  func bytes(from offset: Int = 0) -> UnsafeMutableRawPointer {
    pointer.unsafelyUnwrapped + offset
  }
}

/// The workspaces that all launches share, as only one runs at a time.
///
/// Each thread's is the same in every launch: what a core wrote last stays in its caches, where memory of
/// the arena would come from another core's (docs/decisions/0016-winograd-for-few-channels.md).
final class Scratchpad {
  private let ofPrimitives = Storage(byteCount: 0, .external)
  private let ofThreads = Storage(byteCount: 0, .external)
  /// From one thread's workspace to the next one's.
  private var threadStride = 0

  var byteCount: Int { ofPrimitives.byteCount + ofThreads.byteCount }

  func reserve(_ byteCount: Int) -> Storage {
    ofPrimitives.grow(to: byteCount)
    return ofPrimitives
  }

  /// Makes each thread's workspace at least so large.
  func reserve(ofEachThread byteCount: Int) {
    threadStride = max(threadStride, (byteCount + 4095) / 4096 * 4096)
    ofThreads.grow(to: threadStride * ThreadTeam.threadCount)
  }

  /// The calling thread's workspace, within `ThreadTeam.run`.
  ///
  /// - Precondition: `allocate` was called after the last `reserve`.
  var ofThisThread: UnsafeMutableRawPointer {
    ofThreads.bytes(from: threadStride * ThreadTeam.threadIndex)
  }

  func allocate() {
    ofPrimitives.allocate()
    ofThreads.allocate()
  }
}
