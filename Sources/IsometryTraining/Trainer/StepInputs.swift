package import IsometryCore
package import IsometryGraph
import IsometryNN

/// Writes what the host decides for each step, beside the images and labels that a batch brings.
package struct StepInputs {
  /// Images of a step, as the graph has them.
  let batchSize: Int
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
  package func write(to slot: any StagingSlot, learningRate: Double, step: Int, samples: Int) {
    if hasSchedule {
      let schedule = slot.bytes(of: StepNames.schedule)
      schedule.storeBytes(of: Float(learningRate), toByteOffset: 0, as: Float.self)
      schedule.storeBytes(of: Float(step), toByteOffset: 4, as: Float.self)
    }
    if hasSamples {
      let counter = slot.bytes(of: StepNames.samples)
      counter.storeBytes(of: UInt64(samples).littleEndian, as: UInt64.self)
    }
    if let mixup {
      slot.bytes(of: StepNames.mixing).storeBytes(
        of: Float(mixup.share(samples: samples)), as: Float.self)
    }
  }
}
