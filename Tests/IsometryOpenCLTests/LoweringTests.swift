#if OpenCL
  import IsometryCore
  import IsometryGraph
  import Testing

  @testable import IsometryOpenCL

  /// Lowering needs no device.
  @Suite(.serialized) struct LoweringTests {
    private func plan(_ graph: Graph, _ tuning: Tuning = .gpu) -> LaunchPlan {
      var lowering = Lowering(
        graph, tuning: tuning, gemmProvider: .own,
        layouts: LayoutAssignment(graph, variables: [:]), variableSlabs: [:])
      return lowering.plan()
    }

    /// Two convolutions with Batch Normalization, a loss and an update with momentum.
    private func makeStep() -> Graph {
      var graph = Graph()
      let bytes = graph.input("images", [8, 3, 16, 16], .uint8)
      let labels = graph.input("labels", [8], .int32)
      let samples = graph.input("samples", [2], .int32)
      let schedule = graph.input("schedule", [2])
      var x = graph.decodeImages(
        bytes, samples: samples,
        ImageDecoding(
          mean: [0.5, 0.5, 0.5], deviation: [1, 1, 1], dtype: .float32, augmentation: nil))
      var parameters: [Value] = []
      func parameter(_ name: String, _ shape: Shape) -> Value {
        parameters.append(graph.variable(name, shape))
        return parameters.last!
      }
      for (index, channels) in [16, 32].enumerated() {
        let weight = parameter("weight\(index)", [channels, graph.shape(of: x)[1], 3, 3])
        x = graph.convolve(x, with: weight, stride: index + 1, padding: 1)
        let scale = parameter("scale\(index)", [channels])
        let shift = parameter("shift\(index)", [channels])
        x = graph.batchNormalization(x, scale: scale, shift: shift).y
        x = graph.activation(x, .relu)
      }
      let logits = graph.dense(graph.globalAveragePool(x), weight: parameter("head", [10, 32]))
      let (loss, _, _) = graph.softmaxCrossEntropy(logits, labels: labels)
      graph.output("loss", loss)
      let gradients = graph.gradients(of: loss, withRespectTo: parameters)
      var operands = [schedule]
      for (index, parameter) in parameters.enumerated() {
        let slot = graph.variable("momentum\(index)", graph.shape(of: parameter))
        operands += [parameter, gradients[index]!, slot]
      }
      let update = Update(
        .sgd(momentum: 0.9, nesterov: true), parameters: parameters.map { _ in .init() },
        hasGradientScale: false)
      graph.append(.update(update), operands)
      return graph.fused()
    }

    @Test func activationsNeverChangeTheirLayout() {
      let labels = plan(makeStep()).steps.map(\.label)
      // The head's transposed weights, and those of the second convolution for its input gradient.
      #expect(labels.filter { $0.hasPrefix("permute") }.count == 2, "\(labels)")
    }

    @Test func oneLaunchUpdatesAllParameters() {
      let labels = plan(makeStep()).steps.map(\.label)
      #expect(labels.filter { $0.hasPrefix("update") }.count == 1, "\(labels)")
    }

    @Test(arguments: [Tuning.cpu, .gpu])
    func lifetimesCoverEveryTouch(tuning: Tuning) {
      let plan = plan(makeStep(), tuning)
      let lifetimes = plan.lifetimes
      for (number, step) in plan.steps.enumerated() {
        for storage in step.touched where plan.storages[storage.index].place == .arena {
          #expect(lifetimes[storage]?.contains(number) == true)
        }
      }
      let loss = plan.outputs["loss"]!.storage
      #expect(lifetimes[loss]!.upperBound == plan.steps.count - 1)
    }

    @Test(arguments: [Tuning.cpu, .gpu], [1, 3, 5, 10, 16, 24, 48, 64, 100, 512])
    func tilesCoverTheirColumnsExactly(tuning: Tuning, columns: Int) {
      for pixels in [1, 2, 4, 7, 8, 16, 32] {
        for dtype in [DType.float32, .bfloat16, .float64] {
          let tile = ConvolutionTile(columns: columns, pixels: pixels, dtype, tuning)
          #expect(columns % (tile.width * tile.vectors) == 0)
          #expect(tile.vectors * tile.pixels <= 16)
          #expect(tile.pixels & (tile.pixels - 1) == 0)
          let groups = tile.groups(rows: 5, pixels: pixels)
          #expect(groups[0] * tile.local[0] * tile.width * tile.vectors >= columns)
          #expect(groups[1] * tile.local[1] >= 5)
        }
      }
    }

    @Test func weightGradientsAreSplitWhereTheyAreSmall() {
      let sizes = ConvolutionSizes(
        Convolution(padding: .init(1)), images: [128, 16, 32, 32], weights: [16, 16, 3, 3],
        pooled: [128, 16, 32, 32])
      for tuning in [Tuning.cpu, .gpu] {
        let tile = WeightGradientTile(sizes, .float32, tuning)
        #expect(tile.parts > 8)
        #expect(tile.parts * tile.rowsPerPart >= 128 * 32)
        #expect((tile.parts - 1) * tile.rowsPerPart < 128 * 32)
      }
    }
  }
#endif
