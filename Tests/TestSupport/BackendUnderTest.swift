internal import CUDARuntime
internal import DeviceRuntime
internal import Foundation
internal import IsometryCPU
public import IsometryCore
public import IsometryGraph
internal import IsometryOpenCL
internal import IsometryReference
internal import OpenCLRuntime

/// One way to execute graphs that the shared suite runs over: a backend, with fusion or without.
public struct BackendUnderTest: Sendable, CustomStringConvertible {
  public let backend: any Backend
  /// Whether graphs are optimized first; else they are launched as they are built.
  public let isFusing: Bool
  /// The traits that graphs are optimized for; nil for the backend's own.
  private let traits: BackendTraits?
  /// What sets it apart from others of the backend's name; may be empty.
  public let variant: String

  public init(
    backend: any Backend, isFusing: Bool, variant: String = "", traits: BackendTraits? = nil
  ) {
    self.backend = backend
    self.isFusing = isFusing
    self.variant = variant
    self.traits = traits
  }

  public var description: String {
    [backend.name, variant, isFusing ? "fused" : ""].filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Whether suitable convolutions use Winograd's algorithm.
  public var usesWinograd: Bool { backend.usesWinograd }

  /// The graph that the backend is given.
  public func prepared(
    _ graph: Graph, recomputation: Recomputation? = Recomputation.none
  ) -> Graph {
    guard isFusing else { return graph }
    return graph.optimized(for: traits(for: graph), recomputation: recomputation)
  }

  /// Small graphs have prologues too.
  private func traits(for graph: Graph) -> BackendTraits {
    var traits = traits ?? backend.traits(for: graph)
    traits.prologueLeastChannels = 1
    return traits
  }

  /// A session of the graph that the backend is given.
  public func makeSession(
    for graph: Graph, sharing session: (any Session)? = nil,
    recomputation: Recomputation? = Recomputation.none
  ) throws -> any Session {
    try backend.bind(prepared(graph, recomputation: recomputation), sharing: session)
  }

  /// The same without prologues in any type.
  public func withoutPrologues(for graph: Graph) -> BackendUnderTest {
    var traits = traits(for: graph)
    traits.prologueTypes = []
    return BackendUnderTest(
      backend: backend, isFusing: isFusing, variant: "\(variant) without prologues", traits: traits)
  }

  /// The same with every operation checked.
  public var validated: BackendUnderTest {
    BackendUnderTest(
      backend: ValidatingBackend(backend), isFusing: isFusing, variant: variant, traits: traits)
  }

  /// The reference with every form that an operation can have.
  public static let everyForm: BackendUnderTest = {
    var traits = BackendTraits()
    traits.prologueTypes = [.float32, .bfloat16, .float16]
    traits.hasConvolutionStatistics = true
    traits.hasGradientEpilogues = true
    traits.hasChannelSumsWithGradients = true
    traits.hasNarrowLossGradients = true
    return BackendUnderTest(
      backend: ReferenceBackend<Float>(), isFusing: true, variant: "every form", traits: traits)
  }()

  /// Those whose convolutions normalize what they load in 16 bits.
  public static let withPrologues: [BackendUnderTest] = [everyForm] + withMatrixUnits

  /// Every backend that this machine can run, without fusion and with, and `everyForm`.
  public static let all: [BackendUnderTest] =
    [everyForm]
    + backends.flatMap { backend in
      [false, true].map { BackendUnderTest(backend: backend, isFusing: $0) }
    }

  /// `all`, and every OpenCL device with CLBlast for its products.
  public static let withEveryProduct: [BackendUnderTest] = {
    return all
      + variant("CLBlast") { device, number in
        guard device is Device else { return nil }
        return try? OpenCLBackend(
          device, number: number, options: OpenCLOptions.forTests(gemmProvider: .clblast))
      }
  }()

  /// `all`, and the CPU backend with the layout of images in bf16 that other processors have.
  public static let withEveryLayout: [BackendUnderTest] =
    all + [
      BackendUnderTest(backend: CPUBackend.withOtherLayout, isFusing: true, variant: "other layout")
    ]

  /// Every OpenCL device with fusion, in 16 bits on matrix units: on those that it has, and else with the
  /// emulation in their place.
  public static let withMatrixUnits: [BackendUnderTest] = {
    return variant("matrix units") { device, number in
      let has = (device.computeCapability?.major ?? 0) >= 8
      return try? OpenCLBackend(
        device, number: number,
        options: OpenCLOptions.forTests(matrixUnits: has ? .auto : .emulated))
    }.filter(\.isFusing)
  }()

  /// Every OpenCL device with fusion, and products in fp32 rounded to tf32.
  public static let withTF32: [BackendUnderTest] = {
    return variant("tf32") { device, number in
      let has = (device.computeCapability?.major ?? 0) >= 8
      var options = OpenCLOptions.forTests(matrixUnits: has ? .auto : .emulated)
      options.allowsTF32 = true
      return try? OpenCLBackend(device, number: number, options: options)
    }.filter(\.isFusing)
  }()

  /// A backend is added to the suite by one line here.
  public static let backends: [any Backend] = {
    var backends: [any Backend] = []
    backends.append(ReferenceBackend<Float>())
    backends.append(CPUBackend())
    backends += deviceBackends { try? OpenCLBackend($0, number: $1, options: .forTests()) }
    return backends
  }()

  private static func variant(
    _ variant: String, _ make: (_ device: any RuntimeDevice, _ number: Int) -> OpenCLBackend?
  ) -> [BackendUnderTest] {
    deviceBackends(make).flatMap { backend in
      [false, true].map { BackendUnderTest(backend: backend, isFusing: $0, variant: variant) }
    }
  }

  /// Of CUDA's devices and of OpenCL's.
  private static func deviceBackends(
    _ make: (_ device: any RuntimeDevice, _ number: Int) -> OpenCLBackend?
  ) -> [any Backend] {
    let nvrtc = ProcessInfo.processInfo.environment["ISOMETRY_NVRTC"]
    let cuda: [any RuntimeDevice] = (try? CUDADevice.all(nvrtc: nvrtc)) ?? []
    let openCL: [any RuntimeDevice] = (try? Device.all()) ?? []
    return [cuda, openCL].flatMap { $0.enumerated().compactMap { make($1, $0) } }
  }

  /// The element types that the backend computes in, of those given.
  public func supported(_ precisions: [DType]) -> [DType] {
    precisions.filter { (try? backend.requireSupport(for: $0)) != nil }
  }
}
