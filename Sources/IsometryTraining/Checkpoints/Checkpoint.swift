import Foundation
public import IsometryCore
import IsometryFiles
public import IsometryGraph
import IsometryNN

/// A run at one moment: its variables, its place and its configuration.
///
/// The safetensors file holds the model's parameters and statistics under their own names. These are
/// the names of PyTorch's `state_dict` of the same network. Everything else that training keeps is
/// under `training/` and the variable's name: optimizer state, averages of the weights, loss scale and
/// metric sums. In Python:
///
///     tensors = safetensors.torch.load_file(path)
///     model.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("training/")})
public struct Checkpoint: Sendable, Equatable {
  /// The configuration with which the run last started or continued.
  public let configuration: RunConfiguration
  /// The place of the run.
  public let state: TrainingState
  /// The number of training images in the run's epochs; nil if the file does not say.
  public let trainImages: Int?
  /// The tensors, by the name in the file.
  public let tensors: [String: HostTensor]

  /// The prefix of the names of variables that are not the model's.
  public static let trainingPrefix = "training/"

  enum Key {
    static let configuration = "configuration"
    static let state = "state"
    // The units of steps and epochs.
    static let trainImages = "train_images"
  }

  /// Reads every variable of a session; waits for the steps started so far.
  ///
  /// - Parameters:
  ///   - modelNames: the model's parameters and statistics.
  ///   - trainImages: the number of training images in the run's epochs.
  /// - Throws: `NonFiniteVariable`, and errors of the session.
  public init(
    of session: any Session, modelNames: Set<String>, state: TrainingState, trainImages: Int,
    configuration: RunConfiguration
  ) throws {
    var tensors: [String: HostTensor] = [:]
    for (name, _) in session.graph.variables {
      let tensor = try session.read(variable: name)
      guard tensor.isFinite else { throw NonFiniteVariable(name: name) }
      tensors[Self.fileName(of: name, modelNames: modelNames)] = tensor
    }
    self.tensors = tensors
    self.state = state
    self.trainImages = trainImages
    self.configuration = configuration
  }

  /// Sets every variable of a session.
  ///
  /// - Parameters:
  ///   - path: the path in errors.
  ///   - modelNames: as when the checkpoint was made.
  ///   - includingTraining: whether variables that are not the model's are set too.
  /// - Throws: `CheckpointError` if the file lacks one of the variables or has it in another shape
  ///   or type. Also if it has a variable that the graph does not know.
  public func restore(
    to session: any Session, modelNames: Set<String>, includingTraining: Bool, path: String
  ) throws {
    var unknown = Set(tensors.keys)
    if !includingTraining { unknown = unknown.filter { !$0.hasPrefix(Self.trainingPrefix) } }
    for (variable, value) in session.graph.variables {
      guard includingTraining || modelNames.contains(variable) else { continue }
      let name = Self.fileName(of: variable, modelNames: modelNames)
      let type = session.graph.type(of: value)
      guard let tensor = tensors[name] else {
        throw CheckpointError(path: path, expected: "\(name), \(type)", found: "no such tensor")
      }
      guard tensor.type == type else {
        throw CheckpointError(path: path, expected: "\(name), \(type)", found: "\(tensor.type)")
      }
      unknown.remove(name)
      try session.write(tensor, toVariable: variable)
    }
    if let name = unknown.min() {
      throw CheckpointError(
        path: path, expected: "tensors of \(configuration.model) alone", found: "\(name) too")
    }
  }

  /// Throws `TrainingError.nonFiniteCheckpoint` if a parameter or a statistic of the model is NaN or
  /// infinite. A network may hide it: ReLU makes a NaN 0 on some devices.
  ///
  /// - Parameter path: the path in the error.
  public func requireFiniteModel(path: String) throws(TrainingError) {
    let names = tensors.keys.filter { !$0.hasPrefix(Self.trainingPrefix) }.sorted()
    guard let name = names.first(where: { tensors[$0]?.isFinite == false }) else { return }
    throw .nonFiniteCheckpoint(path: path, quantity: "a number in \(name)")
  }

  /// The checkpoint with the averages of the weights in their place; nil if it has none.
  public var averaged: Checkpoint? {
    let prefix = Self.trainingPrefix + StepNames.average(of: "")
    let averages = tensors.filter { $0.key.hasPrefix(prefix) }
    guard !averages.isEmpty else { return nil }
    let model = averages.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
    return Checkpoint(
      configuration: configuration, state: state, trainImages: trainImages,
      tensors: tensors.merging(model) { $1 })
  }

  /// A checkpoint of these parts.
  package init(
    configuration: RunConfiguration, state: TrainingState, trainImages: Int?,
    tensors: [String: HostTensor]
  ) {
    self.configuration = configuration
    self.state = state
    self.trainImages = trainImages
    self.tensors = tensors
  }

  private static func fileName(of variable: String, modelNames: Set<String>) -> String {
    modelNames.contains(variable) ? variable : trainingPrefix + variable
  }
}

extension Checkpoint {
  /// Reads a checkpoint. Throws `FileError` if the system refuses, and `CheckpointError` if the file is
  /// damaged or not a checkpoint of this program.
  public init(contentsOf path: String) throws {
    let file = try Safetensors(contentsOf: path, skipping: Self.isBatchCounter)
    guard file.metadata[Key.configuration] != nil || file.metadata[Key.state] != nil else {
      throw CheckpointError(
        path: path,
        expected: """
          the run's \(Key.configuration) in the metadata, which \(.importing) adds to weights of \
          other programs
          """, found: "none")
    }
    tensors = file.tensors
    state = try Self.decode(file.metadata, Key.state, path: path)
    trainImages = file.metadata[Key.trainImages].flatMap { Int($0) }
    configuration = try Self.decode(file.metadata, Key.configuration, path: path)
  }

  /// Whether a name is that of PyTorch's counters of batches, 64-bit integers that nothing here reads.
  package static func isBatchCounter(_ name: String) -> Bool {
    name.hasSuffix(".num_batches_tracked")
  }

  /// Writes the file whole or not at all.
  ///
  /// - Throws: `FileError` if the system refuses.
  public func write(to path: String) throws {
    var metadata = [
      "format": "pt",
      Key.configuration: try JSONFile.line(configuration),
      Key.state: try JSONFile.line(state),
      // Once more as plain numbers: what people look for.
      "epoch": String(state.epoch),
      "step": String(state.step),
      "samples": String(state.samples),
      "seed": String(configuration.seed),
    ]
    metadata[Key.trainImages] = trainImages.map { String($0) }
    if let epoch = state.bestEpoch, let accuracy = state.bestAccuracy {
      let name = EpochRecord.accuracyName(isHeldOut: configuration.holdOut != nil)
      metadata["best_epoch"] = String(epoch)
      metadata["best_\(name)"] = String(accuracy)
    }
    try Safetensors(metadata: metadata, tensors: tensors).write(to: path)
  }

  private static func decode<Result: Decodable>(
    _ metadata: [String: String], _ key: String, path: String
  ) throws(CheckpointError) -> Result {
    guard let text = metadata[key] else {
      throw CheckpointError(
        path: path, expected: "the run's \(key) in the metadata", found: "none")
    }
    do {
      return try JSONFile.decode(Result.self, from: text.utf8)
    } catch {
      throw CheckpointError(
        path: path, expected: "the run's \(key) in the metadata",
        found: JSONFile.damage(in: error))
    }
  }
}
