import IsometryCore
import IsometryGraph
import Testing

@testable import IsometryOpenCL

/// What devices with less local memory do; none of it needs one.
@Suite struct WinogradTests {
  private func sizes(_ channels: Int, _ filters: Int) -> ConvolutionSizes {
    ConvolutionSizes(
      Convolution(padding: .init(1)), images: [128, channels, 8, 8],
      weights: [filters, channels, 3, 3], pooled: [128, filters, 8, 8])
  }

  /// Kernels of a layer's three passes with that much local memory.
  private func kernels(channels: Int, localByteCount: Int) throws -> [String] {
    var graph = Graph()
    let x = graph.input("x", [128, channels, 8, 8])
    let dy = graph.input("dy", [128, channels, 8, 8])
    let weight = graph.variable("weight", [channels, channels, 3, 3])
    let y = graph.convolve(x, with: weight, padding: 1)
    graph.output("y", y)
    for (name, gradient) in zip(
      ["dx", "dw"], graph.gradients(seeds: [(y, dy)], withRespectTo: [x, weight]))
    {
      graph.output(name, try #require(gradient))
    }
    var lowering = Lowering(
      graph, tuning: .cpu.limited(winograd: localByteCount), gemmProvider: .own,
      layouts: LayoutAssignment(graph, variables: [:]), variableSlabs: [:])
    return lowering.plan().steps.map(\.variant).filter { $0.hasPrefix("convolution") }.sorted()
  }

  @Test func eachKernelNeedsItsOwnMemory() throws {
    let all = [
      "convolution_winograd_forward", "convolution_winograd_input_gradient",
      "convolution_winograd_weight_gradient",
    ]
    #expect(try kernels(channels: 64, localByteCount: 1 << 20) == all)
    #expect(try kernels(channels: 64, localByteCount: 1 << 19) == all)
    // Enough for units of weights, too little for all channels.
    #expect(
      try kernels(channels: 128, localByteCount: 1 << 19) == [
        "convolution_register_tile_forward", "convolution_register_tile_input_gradient",
        "convolution_winograd_weight_gradient",
      ])
    #expect(
      try kernels(channels: 64, localByteCount: 1 << 15) == [
        "convolution_register_tile_forward", "convolution_register_tile_input_gradient",
        "convolution_weight_gradient",
      ])
  }

  /// 64 channels by 64 filters in a mebibyte, fewer in less; all divide what they are of.
  @Test func unitsFitTheMemory() {
    #expect(WinogradUnits(sizes(128, 128), .cpu).channels == 64)
    #expect(WinogradUnits(sizes(96, 48), .cpu).channels == 48)
    for (channels, filters) in [(16, 16), (48, 80), (112, 128), (64, 32)] {
      for byteCount in [1 << 17, 1 << 18, 1 << 19, 1 << 20] {
        let units = WinogradUnits(
          sizes(channels, filters), .cpu.limited(winograd: byteCount))
        #expect(units.localByteCount <= byteCount)
        #expect(channels % units.channels == 0 && filters % units.filters == 0)
      }
    }
  }

  /// Groups cover all rows of images, in whole rows of tiles or in whole images.
  @Test func groupsCoverTheImages() {
    for height in 1...13 {
      for images in [1, 3, 128] {
        let sizes = ConvolutionSizes(
          Convolution(padding: .init(1)), images: [images, 16, height, 9],
          weights: [16, 16, 3, 3], pooled: [images, 16, height, 9])
        for most in [nil, 1, 7] {
          let tiles = WinogradTiles(sizes, source: 16, result: 16, .cpu, mostGroups: most)
          #expect(tiles.groupLines % (height % 4 == 0 ? 4 : height) == 0)
          #expect(tiles.groups <= most ?? 64 && tiles.groups * tiles.groupLines >= tiles.lines)
          #expect((tiles.groups - 1) * tiles.groupLines < tiles.lines)
        }
      }
    }
  }
}
