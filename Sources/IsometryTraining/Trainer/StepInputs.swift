package import IsometryCore
package import IsometryData
package import IsometryGraph
import IsometryNN

/// Writes what the host decides for each step, beside the images and labels that a batch brings.
package struct StepInputs {
  /// Images of a step, as the graph has them: those of this rank.
  package let batchSize: Int
  private let hasSchedule: Bool
  private let hasSamples: Bool
  private let mixup: Mixup?

  /// - Parameter mixup: the shares of a graph that mixes its batches.
  package init(of graph: Graph, mixup: Mixup? = nil) {
    guard let images = graph.source(named: StepNames.images) else {
      preconditionFailure("the graph of a step has the input \(StepNames.images)")
    }
    batchSize = graph.shape(of: images)[0]
    hasSchedule = graph.source(named: StepNames.schedule) != nil
    hasSamples = graph.source(named: StepNames.samples) != nil
    precondition(
      (graph.source(named: StepNames.mixing) != nil) == (mixup != nil),
      "a graph has the input \(StepNames.mixing) if and only if the training has mixup")
    self.mixup = mixup
  }

  /// - Parameters:
  ///   - step: from 1; Adam's bias correction counts so.
  ///   - samples: images of the run before this batch.
  ///   - slice: the part of the batch in the slot.
  package func write(
    to slot: any StagingSlot, learningRate: Double, step: Int, samples: Int,
    slice: BatchStream.Slice = .whole
  ) {
    if hasSchedule { write(learningRate, step: step, of: StepNames.schedule, to: slot) }
    if hasSamples {
      let counter = slot.bytes(of: StepNames.samples)
      let first = samples + slice.index * batchSize
      counter.storeBytes(of: UInt64(first).littleEndian, as: UInt64.self)
    }
    if let mixup {
      slot.bytes(of: StepNames.mixing).storeBytes(
        of: Float(mixup.share(samples: samples)), as: Float.self)
    }
  }

  /// Writes the schedule of some parameters, the input of that name.
  package func write(_ rate: Double, step: Int, of schedule: String, to slot: any StagingSlot) {
    let bytes = slot.bytes(of: schedule)
    bytes.storeBytes(of: Float(rate), toByteOffset: 0, as: Float.self)
    bytes.storeBytes(of: Float(step), toByteOffset: 4, as: Float.self)
  }
}
