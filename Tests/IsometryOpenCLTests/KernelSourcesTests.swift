import DeviceRuntime
import Foundation
import IsometryCore
import OpenCLRuntime
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

private let root = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

private func contents(_ path: String) throws -> String {
  try String(contentsOf: root.appending(path: path), encoding: .utf8)
}

/// The paths of all files under kernels/.
func presentFiles() throws -> Set<String> {
  let folder = root.appending(path: "kernels")
  let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
  return Set(names.filter { $0.hasSuffix(".cl") })
}

/// Those of the engine's pieces; the programs of kernels/probe are the probe's.
private func presentPieces() throws -> Set<String> {
  try presentFiles().filter { !$0.hasPrefix("probe/") }
}

private let device = (try? Device.all())?.first

@Suite struct KernelSourcesTests {
  @Test func everyFileIsEmbeddedAsItIs() throws {
    for file in try presentFiles() {
      #expect(KernelSources.embeddedText(of: file) == (try contents("kernels/" + file)))
    }
  }

  @Test func everyFileBelongsToAFamily() throws {
    let used = try ProgramFamily.allCases.flatMap {
      try KernelSources(directory: nil).pieces(of: $0.rawValue).map(\.path)
    }
    #expect(Set(used) == (try presentPieces()))
  }

  /// The piece that says so comes first.
  @Test func everyFamilyFusesProductsAndSumsWhereItSaysSo() throws {
    for family in ProgramFamily.allCases {
      let pieces = try KernelSources(directory: nil).pieces(of: family.rawValue).map(\.path)
      #expect(pieces.first == "common/language.cl", "\(family)")
    }
  }

  /// (1 + 2⁻¹²)² is 1 + 2⁻¹¹ + 2⁻²⁴, which a product in fp32 rounds to 1 + 2⁻¹¹.
  @Test(.enabled(if: device != nil, "no OpenCL device on this machine"))
  func productsAndSumsAreFusedOnlyByFma() throws {
    let context = try Context(#require(device))
    let queue = try CommandQueue(context)
    let program = try Program(
      context, name: "contraction",
      source: try KernelSources(directory: nil).source(of: "common/real.cl") + """
        kernel void contract(const global float *x, global float *y) {
          y[0] = x[0] * x[1] + x[2];
          y[1] = fma(x[0], x[1], x[2]);
        }
        """)
    let kernel = try program.makeKernel("contract")
    let (x, y) = (try Buffer(context, byteCount: 12), try Buffer(context, byteCount: 8))
    try queue.upload([1 + 0x1p-12, 1 + 0x1p-12, -1 - 0x1p-11] as [Float], to: x)
    try kernel.set(0, x)
    try kernel.set(1, y)
    try queue.launch(kernel, LaunchGeometry(covering: 1, by: 1))
    #expect(try queue.download(y, count: 2, of: Float(0)) == [0, 0x1p-24])
  }

  @Test func entryPointsAreUnique() throws {
    var owners: [String: String] = [:]
    let definition = /void\s+([a-z_0-9]+)\(\s*(?:const\s+)?(?:global|OPTIMIZER_ARGUMENTS)/
    for piece in try presentPieces() where !piece.hasPrefix("common/") {
      for match in try contents("kernels/" + piece).matches(of: definition) {
        let name = String(match.output.1)
        #expect(owners[name] == nil, "\(name) is in \(piece) and \(owners[name] ?? "")")
        owners[name] = piece
      }
    }
    #expect(owners.count > 30)
  }

  /// What scripts/check-kernels compiles for other hardware is what the engine builds here.
  @Test func offlineProgramsAreTheFamilies() throws {
    var files: [String: String] = [:]
    for line in try contents("scripts/kernel-programs.txt").split(separator: "\n") {
      if line.hasPrefix("#") { continue }
      let fields = line.split(separator: "|", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      if !fields[0].hasPrefix("probe-") { files[fields[0]] = fields[2] }
    }
    for family in ProgramFamily.allCases { #expect(files[family.name] == family.rawValue) }
    for (name, file) in files {
      let family = try #require(ProgramFamily(rawValue: file))
      #expect(name == family.name || name.hasPrefix(family.name + "-"))
    }
  }

  /// Each piece comes once, behind those that it uses, and the program's own file last.
  @Test(arguments: ProgramFamily.allCases)
  func piecesComeBehindThoseThatTheyUse(family: ProgramFamily) throws {
    var known: Set<String> = []
    let pieces = try KernelSources(directory: nil).pieces(of: family.rawValue)
    for (path, text) in pieces {
      for line in text.split(separator: "\n") where line.hasPrefix("// uses:") {
        #expect(known.isSuperset(of: line.split(separator: " ").dropFirst(2).map(String.init)))
      }
      #expect(known.insert(path).inserted)
    }
    #expect(pieces.last?.path == family.rawValue)
  }

  @Test func sourcesComeFromAFolderWhereOneIsGiven() throws {
    let file = ProgramFamily.cast.rawValue
    let text = try KernelSources(directory: root.appending(path: "kernels").path).source(of: file)
    #expect(text == (try KernelSources(directory: nil).source(of: file)))
    #expect(text.hasPrefix("#line 1 \"common/language.cl\"\n"))
    #expect(throws: KernelSources.MissingPiece.self) {
      try KernelSources(directory: "/no/such/folder").source(of: file)
    }
  }

  @Test func aMissingPieceIsNamedWithItsUser() throws {
    let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "isometry-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try "// uses: common/none.cl\n".write(
      to: folder.appending(path: "own.cl"), atomically: true, encoding: .utf8)
    let error = #expect(throws: KernelSources.MissingPiece.self) {
      try KernelSources(directory: folder.path).source(of: "own.cl")
    }
    #expect(
      error?.description
        == "there is no kernel source \(folder.path)/common/none.cl, which own.cl uses")
  }
}

@Suite struct LayoutTests {
  @Test(arguments: [Layout.channelsLast, .filtersLast, .channelsOfFiltersLast])
  func hostTensorsComeBackFromEveryLayout(layout: Layout) {
    let shape: Shape = [3, 4, 2, 5]
    let tensor = HostTensor(shape, (0..<shape.elementCount).map { Float($0) })
    let moved = tensor.bytes(in: layout)
    #expect(moved != tensor.bytes)
    #expect(HostTensor(tensor.type, bytes: moved, in: layout) == tensor)
  }

  @Test func channelsAreInnermostInImages() {
    let shape: Shape = [1, 3, 1, 2]
    let tensor = HostTensor(TensorType(shape, .uint8), bytes: [1, 2, 3, 4, 5, 6])
    #expect(tensor.bytes(in: .channelsLast) == [1, 3, 5, 2, 4, 6])
    #expect(tensor.bytes(in: .filtersLast) == [1, 3, 5, 2, 4, 6])
  }

  @Test func layoutsOfTrivialAxesAgree() {
    #expect(Layout.agree(.rowMajor, .channelsLast, for: [7, 5, 1, 1]))
    #expect(Layout.agree(.rowMajor, .channelsLast, for: [7, 1, 4, 4]))
    #expect(!Layout.agree(.rowMajor, .channelsLast, for: [1, 2, 1, 2]))
    #expect(!Layout.agree(.rowMajor, .filtersLast, for: [7, 5, 1, 1]))
  }
}
