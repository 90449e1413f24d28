import Foundation
import IsometryCore
import Testing

@testable import IsometryOpenCL

private let root = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

private func contents(_ path: String) throws -> String {
  try String(contentsOf: root.appending(path: path), encoding: .utf8)
}

/// Paths under kernels/ of the engine's pieces; the probe has its own module.
private func presentPieces() throws -> Set<String> {
  let folder = root.appending(path: "kernels")
  let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
  return Set(names.filter { $0.hasSuffix(".cl") && !$0.hasPrefix("probe/") })
}

@Suite struct KernelSourcesTests {
  @Test func everyFileIsEmbeddedAsItIs() throws {
    let present = try presentPieces()
    #expect(Set(KernelSources.embedded.keys) == present)
    for piece in present {
      #expect(KernelSources.embedded[piece] == (try contents("kernels/" + piece)))
    }
  }

  @Test func everyFileBelongsToAFamily() throws {
    #expect(Set(ProgramFamily.allCases.flatMap(\.pieces)) == (try presentPieces()))
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
    var pieces: [String: [String]] = [:]
    for line in try contents("scripts/kernel-programs.txt").split(separator: "\n") {
      if line.hasPrefix("#") { continue }
      let fields = line.split(separator: "|", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      if fields[0].hasPrefix("probe-") { continue }
      pieces[fields[0]] = fields[2].split(separator: " ").map(String.init)
    }
    for family in ProgramFamily.allCases { #expect(pieces[family.rawValue] == family.pieces) }
    for (name, found) in pieces {
      let family = ProgramFamily.allCases.filter {
        name == $0.rawValue || name.hasPrefix($0.rawValue + "-")
      }
      #expect(family.contains { $0.pieces == found }, "\(name) is of no family")
    }
  }

  @Test func sourcesComeFromAFolderWhereOneIsGiven() throws {
    let sources = KernelSources(directory: root.appending(path: "kernels").path)
    let text = try sources.source(of: ProgramFamily.cast.pieces)
    #expect(text == (try KernelSources(directory: nil).source(of: ProgramFamily.cast.pieces)))
    #expect(text.hasPrefix("#line 1 \"common/real.cl\"\n"))
    #expect(throws: KernelSources.MissingPiece.self) {
      try KernelSources(directory: "/no/such/folder").source(of: ProgramFamily.cast.pieces)
    }
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
