#if OpenCL
  internal import OpenCLRuntime
  internal import Synchronization

  /// The programs of one device: built once a process, kept as binaries between processes.
  final class ProgramLibrary: Sendable {
    let context: Context
    private let sources: KernelSources
    private let cache: ProgramCache
    private let programs = Mutex<[ProgramVariant: Program]>([:])

    init(_ context: Context, sources: KernelSources, cache: ProgramCache) {
      self.context = context
      self.sources = sources
      self.cache = cache
    }

    /// The program of that variant, compiled unless a cached binary serves.
    func program(_ variant: ProgramVariant) throws -> Program {
      if let known = programs.withLock({ $0[variant] }) { return known }
      let program = try cache.program(
        context, name: variant.family.rawValue,
        source: try sources.source(of: variant.family.pieces), options: variant.options)
      // Two threads may have built it; both results are the same.
      programs.withLock { $0[variant] = program }
      return program
    }
  }
#endif
