// swift-tools-version: 6.2
import PackageDescription

// The programs of README.md and docs/library.md, as a package that depends on Isometry.

let isometry: Target.Dependency = .product(name: "Isometry", package: "Isometry")

let package = Package(
  name: "IsometryExamples",
  dependencies: [.package(name: "Isometry", path: "..")],
  targets: [
    .executableTarget(name: "Readme", dependencies: [isometry]),
    .executableTarget(name: "TrainResNet20", dependencies: [isometry]),
    .executableTarget(name: "OwnInitializer", dependencies: [isometry]),
    .executableTarget(name: "OwnNetwork", dependencies: [isometry]),
    .executableTarget(name: "OwnOptimizer", dependencies: [isometry]),
  ],
  swiftLanguageModes: [.v6]
)
