import IsometryFiles

/// A run as its folder describes it: its configuration and its log. Reading it takes no lock, so the run
/// may be under way.
package struct RunHistory: Sendable {
  /// The folder.
  package let path: String
  package let configuration: RunConfiguration
  package let entries: [Entry]

  /// An entry of the log. Keys that its event does not have, and numbers that are not finite, are nil.
  package struct Entry: Sendable, Decodable {
    package let event: String
    package let step: Int
    package let epoch: Int?
    package let device: String?
    package let version: String?
    package let reason: String?
    package let learningRate: Double?
    package let loss: Double?
    package let accuracy: Double?
    package let imagesPerSecond: Double?
    package let smallest: Double?
    package let largest: Double?
    package let meanSquare: Double?
    package let logVariance: Double?
    package let zeroFraction: Double?

    enum CodingKeys: String, CodingKey {
      case event, step, epoch, device, version, reason, loss, accuracy
      case learningRate = "learning_rate"
      case imagesPerSecond = "images_per_second"
      case smallest = "sigma_min"
      case largest = "sigma_max"
      case meanSquare = "mean_square"
      case logVariance = "log_lambda_variance"
      case zeroFraction = "zero_fraction"
    }
  }

  /// The results of the epochs, in order.
  package let epochs: [EpochRecord]

  /// Reads the folder of a run.
  ///
  /// - Throws: `FileError` if the folder holds no run; `CheckpointError` if the configuration is damaged.
  package init(folder path: String) throws {
    self.path = path
    configuration = try RunFolder.configuration(in: path)
    let log = "\(path)/\(RunFolder.logFile)"
    // A run that has not begun has no log.
    let lines = (try? WholeFile.read(log))?.split(separator: UInt8(ascii: "\n")) ?? []
    // A line may have been cut short by a crash.
    entries = lines.compactMap { try? JSONFile.decode(Entry.self, from: $0) }
    epochs = lines.compactMap { line in
      guard (try? JSONFile.decode(Entry.self, from: line))?.event == "epoch" else { return nil }
      return try? JSONFile.decode(EpochRecord.self, from: line)
    }
  }

  /// The entries of one event, in order.
  package func entries(_ event: String) -> [Entry] { entries.filter { $0.event == event } }
}
