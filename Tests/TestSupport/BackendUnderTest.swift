internal import IsometryCPU
public import IsometryCore
public import IsometryGraph
internal import IsometryReference

#if OpenCL
  internal import IsometryOpenCL
  internal import OpenCLRuntime
#endif

/// One way to execute graphs that the shared suite runs over: a backend, with fusion or without.
public struct BackendUnderTest: Sendable, CustomStringConvertible {
  public let backend: any Backend
  /// Whether graphs pass through fusion first.
  public let isFusing: Bool

  public init(backend: any Backend, isFusing: Bool) {
    self.backend = backend
    self.isFusing = isFusing
  }

  public var description: String { backend.name + (isFusing ? " fused" : "") }

  /// Every backend that this machine can run, without fusion and with.
  public static let all: [BackendUnderTest] = backends.flatMap { backend in
    [false, true].map { BackendUnderTest(backend: backend, isFusing: $0) }
  }

  /// A backend is added to the suite by one line here.
  public static let backends: [any Backend] = {
    var backends: [any Backend] = []
    backends.append(ReferenceBackend<Float>())
    backends.append(CPUBackend())
    #if OpenCL
      for (number, device) in ((try? Device.all()) ?? []).enumerated() {
        if let backend = try? OpenCLBackend(device, number: number) { backends.append(backend) }
      }
    #endif
    return backends
  }()

  /// The element types that the backend computes in, of those given.
  public func supported(_ precisions: [DType]) -> [DType] {
    precisions.filter { (try? backend.requireSupport(for: $0)) != nil }
  }

  /// The graph that the backend is given.
  public func prepared(_ graph: Graph) -> Graph { isFusing ? graph.fused() : graph }
}
