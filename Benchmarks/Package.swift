// swift-tools-version: 6.2
import PackageDescription

// Micro-benchmarks, in a package of their own so that the main one needs none of this to build.

let package = Package(
  name: "IsometryBenchmarks",
  dependencies: [
    .package(name: "Isometry", path: ".."),
    // Without its trait Jemalloc, which wants a library for counting allocations.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    // The benchmark tool runs executables in folders below one of the name Benchmarks: this folder.
    .executableTarget(
      name: "Micro",
      dependencies: [
        .product(name: "Benchmark", package: "benchmark"),
        .product(name: "Isometry", package: "Isometry"),
      ],
      path: "Micro",
      swiftSettings: [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
      ],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
  ],
  swiftLanguageModes: [.v6]
)
