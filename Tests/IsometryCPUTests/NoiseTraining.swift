import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN

/// A network in training on random images.
struct NoiseTraining {
  let session: any Session
  let slot: any StagingSlot
  let batch: Int

  init(
    _ model: String, batch: Int, precision: DType, normalization: NormalizationKind = .batch,
    fuses: Bool = true
  ) throws {
    let specification = try ModelSpecification(model)
    let network = try specification.network(NetworkOptions(normalization: normalization))
    let training = TrainingGraph(
      network, .init(batch: batch, precision: precision))
    let backend = CPUBackend()
    session =
      try fuses
      ? backend.makeSession(for: training.graph) : backend.bind(training.graph, sharing: nil)
    try training.writeInitialState(
      to: session, initializer: InitializerRegistry.make("he"), seed: 1)
    self.batch = batch
    slot = try session.makeStagingSlots(1)[0]
    var random = RandomStream(seed: 3)
    for index in slot.bytes(of: StepNames.images).indices {
      slot.bytes(of: StepNames.images)[index] = UInt8(random.integer(below: 256))
    }
    slot.bytes(of: StepNames.labels).withMemoryRebound(to: Int32.self) {
      for index in $0.indices { $0[index] = Int32(random.integer(below: 10)) }
    }
    slot.bytes(of: StepNames.schedule).withMemoryRebound(to: Float.self) {
      $0[0] = 0.01
      $0[1] = 1
    }
  }
}
