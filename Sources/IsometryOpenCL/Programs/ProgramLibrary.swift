internal import DeviceRuntime
internal import Dispatch
import IsometryCore
internal import IsometryLowering
internal import Synchronization

/// The programs of one device: built once a process, kept as binaries between processes.
final class ProgramLibrary: Sendable {
  let context: any RuntimeContext
  private let sources: KernelSources
  private let cache: ProgramCache
  /// Whether the driver optimizes kernels.
  private let isOptimizing: Bool
  private let noteBuilding: @Sendable (_ built: Int, _ all: Int) -> Void
  private let programs = Mutex<[ProgramVariant: any RuntimeProgram]>([:])

  init(
    _ context: any RuntimeContext, sources: KernelSources, cache: ProgramCache, isOptimizing: Bool,
    noteBuilding: @escaping @Sendable (_ built: Int, _ all: Int) -> Void
  ) {
    self.context = context
    self.sources = sources
    self.cache = cache
    self.isOptimizing = isOptimizing
    self.noteBuilding = noteBuilding
  }

  /// The program of that variant, compiled unless a cached binary serves.
  func program(_ variant: ProgramVariant) throws -> any RuntimeProgram {
    if let known = programs.withLock({ $0[variant] }) { return known }
    let program = try cache.program(
      context, name: variant.family.name,
      source: try sources.source(of: variant.family.rawValue), options: options(of: variant))
    // Two threads may have built it; both results are the same.
    programs.withLock { $0[variant] = program }
    return program
  }

  /// Builds the programs that are missing, side by side if the driver can; `program` reports what then fails.
  func build(_ variants: Set<ProgramVariant>) throws {
    let missing = programs.withLock { known in variants.filter { known[$0] == nil } }
    if missing.isEmpty { return }
    noteBuilding(0, missing.count)
    defer { noteBuilding(missing.count, missing.count) }
    let built = Mutex(0)
    @Sendable func build(_ variant: ProgramVariant) throws {
      _ = try program(variant)
      built.withLock {
        $0 += 1
        noteBuilding($0, missing.count)
      }
    }
    guard context.runtimeDevice.buildsSideBySide else { return try missing.forEach(build) }
    let all = Array(missing)
    DispatchQueue.concurrentPerform(iterations: all.count) { try? build(all[$0]) }
  }

  private func options(of variant: ProgramVariant) -> String {
    context.options(
      variant.macros, computesInDouble: variant.storage == .float64, isOptimizing: isOptimizing)
  }

  /// The reason why families are not used in that type on this device and driver, if an earlier trial of the
  /// same text found a reason.
  func recordedRefusal(of families: [ProgramFamily], _ dtype: DType) -> String? {
    guard let source = try? source(of: families) else { return nil }
    return cache.remark(context, name: Self.refusals, source: source, options: dtype.rawValue)
  }

  /// Keeps a reason for `recordedRefusal`; false without a place to keep it.
  func recordRefusal(_ reason: String, of families: [ProgramFamily], _ dtype: DType) -> Bool {
    guard let source = try? source(of: families) else { return false }
    return cache.record(
      reason, context, name: Self.refusals, source: source, options: dtype.rawValue)
  }

  /// Names the text of families; of a text that is missing as of any other.
  func fingerprint(of families: [ProgramFamily]) -> String {
    IsometryCore.fingerprint(of: (try? source(of: families)) ?? "")
  }

  private static let refusals = "refused"

  private func source(of families: [ProgramFamily]) throws -> String {
    try families.map { try sources.source(of: $0.rawValue) }.joined()
  }
}
