import IsometryFiles
import IsometryTraining

enum ProgressLine {
  static let barWidth = 24

  /// "epoch 2/5 ▕█████▌      ▏ 45 %  loss 1.234  accuracy 55.1 %  1,512 images/s  2 min 3 s left"
  ///
  /// If that is wider than the terminal, the bar is left out, and then the loss and the accuracy.
  static func bar(_ progress: TrainingProgress, width: Int = .max) -> String {
    let fraction = Double(progress.batch) / Double(progress.batchesPerEpoch)
    let (epoch, share) = (
      "epoch \(progress.epoch)/\(progress.epochs)", "\(Int(100 * fraction)) %"
    )
    let lines = [
      "\(epoch) ▕\(bar(fraction))▏ \(share)  \(numbers(progress))",
      "\(epoch)  \(share)  \(numbers(progress))",
    ]
    return lines.first { $0.count < width } ?? "\(epoch)  \(share)  \(speed(progress))"
  }

  /// The same in words, for outputs that are no terminals.
  static func plain(_ progress: TrainingProgress) -> String {
    "epoch \(progress.epoch)/\(progress.epochs), batch \(progress.batch)/\(progress.batchesPerEpoch)"
      + "  \(numbers(progress))"
  }

  static func epoch(_ record: EpochRecord, of epochs: Int) -> String {
    let evaluated = Wording.evaluated(isHeldOut: record.isHeldOut)
    return "epoch \(record.epoch)/\(epochs)  loss \(Wording.loss(record.trainLoss))  "
      + "accuracy \(Wording.percent(record.trainAccuracy))  "
      + "\(evaluated) loss \(Wording.loss(record.testLoss))  "
      + "\(evaluated) accuracy \(Wording.percent(record.testAccuracy))  "
      + "\(Wording.count(record.imagesPerSecond)) images/s  \(Wording.duration(record.seconds))  "
      + "input wait \(Wording.percent(record.inputWaitFraction))"
  }

  private static func numbers(_ progress: TrainingProgress) -> String {
    "loss \(Wording.loss(progress.loss))  accuracy \(Wording.percent(progress.accuracy))  "
      + speed(progress)
  }

  private static func speed(_ progress: TrainingProgress) -> String {
    "\(Wording.count(progress.imagesPerSecond)) images/s  "
      + "\(Wording.duration(progress.secondsLeft)) left"
  }

  /// Full blocks, an eighth's block where the bar ends, spaces.
  static func bar(_ fraction: Double) -> String {
    let eighths = Int((max(0, min(1, fraction)) * Double(8 * barWidth)).rounded(.down))
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let filled = String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
    return Wording.padded(filled, barWidth)
  }
}
