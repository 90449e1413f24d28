// swift-tools-version: 6.2
import PackageDescription

// Modules in layers; imports only point down (docs/architecture.md). The check
// `--explicit-target-dependency-import-check error`, which every script passes, enforces the arrows.

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// Of modules that hold tests alone. Optimization doubles the time that they take to compile.
let tests: [SwiftSetting] = strict + [.unsafeFlags(["-Onone"])]

let realModule: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")
let complexModule: Target.Dependency = .product(name: "ComplexModule", package: "swift-numerics")

let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
  name: "Isometry",
  products: [
    .executable(name: "isometry", targets: ["IsometryCLI"]),
    .library(
      name: "Isometry",
      targets: [
        "CUDARuntime", "DeviceRuntime", "IsometryBenchmarks", "IsometryCommunication",
        "IsometryCore", "IsometryCPU", "IsometryData", "IsometryExchange", "IsometryFiles",
        "IsometryGraph", "IsometryNN", "IsometryOpenCL", "IsometryReference", "IsometrySpectra",
        "IsometryTheory", "IsometryTraining", "OpenCLRuntime",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  targets: [
    // Layer 6
    .executableTarget(
      name: "IsometryCLI",
      dependencies: [
        "CUDARuntime", "DeviceRuntime", "GPUProbe", "IsometryBenchmarks", "IsometryCommunication",
        "IsometryCore", "IsometryCPU", "IsometryData", "IsometryExchange", "IsometryFiles",
        "IsometryGraph", "IsometryNN", "IsometryOpenCL",
        "IsometryReference", "IsometryReport", "IsometryReproductions", "IsometrySpectra",
        "IsometryTensorBoard",
        "IsometryTheory", "IsometryTraining", "OpenCLRuntime",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    // Layer 5
    .target(
      name: "IsometryReport",
      dependencies: [
        "CIsometryReport", "IsometryCore", "IsometryFiles", "IsometryGraph", "IsometryNN",
        "IsometrySpectra", "IsometryTheory", "IsometryTraining",
      ],
      swiftSettings: strict),
    .target(
      name: "IsometryReproductions",
      dependencies: [
        "IsometryCore", "IsometryData", "IsometryFiles", "IsometryGraph", "IsometryNN",
        "IsometrySpectra", "IsometryTheory", "IsometryTraining",
      ],
      swiftSettings: strict),
    .target(
      name: "IsometryExchange",
      dependencies: [
        "IsometryCore", "IsometryData", "IsometryGraph", "IsometryNN", "IsometryTraining", protobuf,
      ],
      exclude: ["ONNX/onnx.proto"], swiftSettings: strict),
    .target(
      name: "IsometryBenchmarks",
      dependencies: [
        "IsometryCommunication", "IsometryCore", "IsometryData", "IsometryFiles", "IsometryGraph",
        "IsometryNN",
        "IsometryTraining",
      ],
      swiftSettings: strict),
    // Layer 4
    .target(
      name: "IsometryTraining",
      dependencies: [
        "CIsometryRecipes", "IsometryCommunication", "IsometryCore", "IsometryData",
        "IsometryFiles", "IsometryGraph", "IsometryNN", realModule,
      ],
      swiftSettings: strict),
    .target(
      name: "IsometrySpectra",
      dependencies: [
        "IsometryCore", "IsometryGraph", "IsometryNN", "IsometryTheory", "CLAPACK", realModule,
      ],
      swiftSettings: strict),
    .target(
      name: "IsometryOpenCL",
      dependencies: [
        "CCLBlast", "CIsometryKernels", "DeviceRuntime", "GPUProbe", "IsometryCommunication",
        "IsometryCore",
        "IsometryFiles", "IsometryGraph", "IsometryLowering", "IsometryReference", "OpenCLRuntime",
      ],
      swiftSettings: strict),
    // Layer 3
    .target(
      name: "IsometryNN",
      dependencies: [
        "IsometryCore", "IsometryData", "IsometryGraph", "IsometryTheory", "CLAPACK", realModule,
      ],
      swiftSettings: strict),
    .target(
      name: "IsometryReference",
      dependencies: ["IsometryCore", "IsometryGraph", realModule],
      swiftSettings: strict),
    .target(
      name: "IsometryCPU",
      dependencies: [
        "IsometryCommunication", "IsometryCore", "IsometryGraph", "COneDNN", "CVectorLoops",
      ],
      swiftSettings: strict),
    .target(
      name: "IsometryLowering", dependencies: ["IsometryCore", "IsometryGraph"],
      swiftSettings: strict),
    // Layer 2
    .target(
      name: "IsometryGraph", dependencies: ["IsometryCore"], swiftSettings: strict),
    .target(
      name: "GPUProbe",
      dependencies: [
        "CIsometryKernels", "DeviceRuntime", "IsometryCore", "IsometryFiles", "OpenCLRuntime",
      ],
      swiftSettings: strict),
    // Layer 1
    .target(
      name: "IsometryTheory", dependencies: ["IsometryCore", realModule, complexModule],
      swiftSettings: strict),
    .target(
      name: "IsometryData",
      dependencies: ["CPNG", "CTurboJPEG", "IsometryCore", "IsometryFiles"],
      swiftSettings: strict),
    .target(
      name: "IsometryTensorBoard",
      dependencies: [
        "IsometryFiles", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["Messages/tensorboard.proto"], swiftSettings: strict),
    .target(
      name: "IsometryCommunication", dependencies: ["CMPIBridge"], swiftSettings: strict),
    .target(
      name: "OpenCLRuntime", dependencies: ["COpenCL", "DeviceRuntime"],
      swiftSettings: strict + [.strictMemorySafety()]),
    .target(
      name: "CUDARuntime", dependencies: ["CCUDA", "DeviceRuntime"],
      swiftSettings: strict + [.strictMemorySafety()]),
    .target(
      name: "DeviceRuntime", dependencies: ["IsometryCore", "IsometryFiles"],
      swiftSettings: strict),
    // Layer 0
    .target(name: "IsometryCore", dependencies: [realModule], swiftSettings: strict),
    .target(
      name: "IsometryFiles", dependencies: ["CPNG", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .systemLibrary(name: "COpenCL", providers: [.apt(["ocl-icd-opencl-dev", "opencl-headers"])]),
    .systemLibrary(name: "CCLBlast", providers: [.apt(["libclblast-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .target(name: "CMPIBridge", dependencies: ["CMPI"]),
    .systemLibrary(
      name: "CMPI", pkgConfig: "mpi-c", providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg",
      providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CLAPACK", providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]),
    .target(name: "CCUDA"),
    .target(name: "CIsometryKernels"),
    .target(name: "CIsometryRecipes"),
    .target(name: "CIsometryReport", exclude: ["report.css"]),
    .target(name: "CVectorLoops", linkerSettings: [.linkedLibrary("gomp")]),
    // Tests
    .target(
      name: "TestSupport",
      dependencies: [
        "CLAPACK", "CUDARuntime", "DeviceRuntime", "IsometryCPU", "IsometryCore", "IsometryData",
        "IsometryGraph", "IsometryNN", "IsometryFiles", "IsometryOpenCL", "IsometryReference",
        "IsometryTraining", "OpenCLRuntime",
      ],
      path: "Tests/TestSupport", swiftSettings: strict),
    .target(
      name: "Fuzzing",
      dependencies: [
        "DeviceRuntime", "IsometryBenchmarks", "IsometryCore", "IsometryData", "IsometryFiles",
        "IsometryGraph", "IsometryReport", "IsometryTraining",
      ],
      path: "Tests/Fuzzing", swiftSettings: strict),
    .testTarget(
      name: "FuzzingTests", dependencies: ["Fuzzing", "IsometryFiles"], exclude: ["Corpus"],
      swiftSettings: tests),
    .testTarget(
      name: "BackendTests",
      dependencies: [
        "IsometryCore", "IsometryGraph", "IsometryNN", "IsometryReference", "TestSupport",
        "OpenCLRuntime",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryCPUTests",
      dependencies: ["IsometryCore", "IsometryGraph", "IsometryNN", "IsometryCPU"],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryCommunicationTests", dependencies: ["IsometryCommunication"],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryCoreTests", dependencies: ["IsometryCore", realModule], swiftSettings: tests),
    .testTarget(
      name: "IsometryGraphTests", dependencies: ["IsometryCore", "IsometryGraph"],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryNNTests",
      dependencies: [
        "CLAPACK", "IsometryCPU", "IsometryCore", "IsometryGraph", "IsometryNN",
        "IsometryReference", "IsometryTheory", "TestSupport", realModule,
      ],
      exclude: ["Fixtures"], swiftSettings: tests),
    .testTarget(
      name: "GPUProbeTests", dependencies: ["GPUProbe", "IsometryFiles", "OpenCLRuntime"],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryOpenCLTests",
      dependencies: [
        "DeviceRuntime", "IsometryCore", "IsometryGraph", "IsometryLowering", "IsometryNN",
        "IsometryOpenCL", "IsometryReference", "OpenCLRuntime", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "KernelCheckTests",
      dependencies: [
        "IsometryCore", "IsometryGraph", "IsometryNN", "IsometryReference", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "OpenCLRuntimeTests", dependencies: ["DeviceRuntime", "OpenCLRuntime"],
      swiftSettings: tests),
    .testTarget(
      name: "CUDARuntimeTests", dependencies: ["CUDARuntime", "DeviceRuntime"],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryTrainingTests",
      dependencies: [
        "IsometryCPU", "IsometryCore", "IsometryData", "IsometryFiles", "IsometryGraph",
        "IsometryNN", "IsometryReference", "IsometryTraining", "TestSupport",
      ],
      exclude: ["Fixtures"], swiftSettings: tests),
    .testTarget(
      name: "IsometryExchangeTests",
      dependencies: [
        "IsometryCPU", "IsometryCore", "IsometryData", "IsometryExchange", "IsometryFiles",
        "IsometryGraph", "IsometryNN", "IsometryTraining", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryBenchmarksTests",
      dependencies: [
        "IsometryBenchmarks", "IsometryCommunication", "IsometryCPU", "IsometryCore",
        "IsometryData", "IsometryFiles",
        "IsometryGraph", "IsometryNN", "IsometryReference", "IsometryTraining", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryFilesTests", dependencies: ["IsometryFiles"], swiftSettings: tests),
    .testTarget(
      name: "IsometryTensorBoardTests",
      dependencies: [
        "IsometryFiles", "IsometryTensorBoard", "TestSupport",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryReportTests",
      dependencies: [
        "IsometryCore", "IsometryData", "IsometryFiles", "IsometryGraph", "IsometryReport",
        "IsometryTraining", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryReproductionsTests",
      dependencies: [
        "IsometryCPU", "IsometryCore", "IsometryData", "IsometryFiles", "IsometryNN",
        "IsometryReproductions", "IsometryTraining",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryCLITests",
      dependencies: [
        "IsometryBenchmarks", "IsometryCLI", "IsometryCommunication", "IsometryCore",
        "IsometryData", "IsometryFiles",
        "IsometryNN", "IsometryOpenCL", "IsometryReproductions", "IsometryTheory",
        "IsometryTraining", "TestSupport",
      ],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryTheoryTests",
      dependencies: ["IsometryCore", "IsometryTheory", "TestSupport", realModule, complexModule],
      exclude: ["Fixtures"], swiftSettings: tests),
    .testTarget(
      name: "IsometrySpectraTests",
      dependencies: [
        "IsometryCore", "IsometryGraph", "IsometryNN", "IsometryReference", "IsometrySpectra",
        "IsometryTheory", "TestSupport", realModule,
      ],
      swiftSettings: tests),
    .testTarget(
      name: "IsometryDataTests", dependencies: ["IsometryCore", "IsometryData", "IsometryFiles"],
      swiftSettings: tests),
  ],
  swiftLanguageModes: [.v6]
)
