/// Mean and standard deviation of each color channel, of pixels scaled to [0, 1].
///
/// Devices decode a byte b of channel c to (b/255 − mean[c]) / standardDeviation[c].
public struct ChannelStatistics: Sendable, Hashable, Codable {
  /// The mean of each channel, 0 to 1.
  public let mean: [Double]  // [C]
  /// The standard deviation of each channel, in the unit of the mean.
  public let standardDeviation: [Double]  // [C]

  /// Statistics with a finite mean and a positive standard deviation for each channel.
  public init(mean: [Double], standardDeviation: [Double]) {
    precondition(
      Self.areLegal(mean, standardDeviation),
      "channel statistics are a mean and a positive standard deviation for each channel")
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  private static func areLegal(_ mean: [Double], _ deviation: [Double]) -> Bool {
    mean.count == deviation.count && mean.allSatisfy(\.isFinite)
      && deviation.allSatisfy { $0 > 0 && $0.isFinite }
  }

  private enum CodingKeys: String, CodingKey {
    case mean
    case standardDeviation = "standard-deviation"
  }

  /// Statistics from a file, which may be damaged.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    mean = try values.decode([Double].self, forKey: .mean)
    standardDeviation = try values.decode([Double].self, forKey: .standardDeviation)
    guard Self.areLegal(mean, standardDeviation) else {
      throw DecodingError.dataCorruptedError(
        forKey: .mean, in: values, debugDescription: "deviations are positive, means finite")
    }
  }

  /// Computes the statistics of all pixels of a data set, exact up to the last rounding.
  ///
  /// A constant channel gets the deviation 1/255, a byte's smallest step: decoding stays finite.
  public init(of dataset: ImageDataset) {
    var sums: InlineArray<3, UInt64> = [0, 0, 0]
    var squares: InlineArray<3, UInt64> = [0, 0, 0]
    let size = dataset.format.pixelsPerChannel
    dataset.pixels.withUnsafeBytes { bytes in
      for plane in 0..<(3 * dataset.count) {
        // Runs of bytes whose sum of squares fits into 32 bits: 2¹⁶ · 255² < 2³².
        for start in stride(from: plane * size, to: (plane + 1) * size, by: 1 << 16) {
          let end = min(start + (1 << 16), (plane + 1) * size)
          var sum: UInt32 = 0
          var square: UInt32 = 0
          for byte in UnsafeRawBufferPointer(rebasing: bytes[start..<end]) {
            sum &+= UInt32(byte)
            square &+= UInt32(byte) * UInt32(byte)
          }
          sums[plane % 3] += UInt64(sum)
          squares[plane % 3] += UInt64(square)
        }
      }
    }
    let count = Double(dataset.count * size)
    var mean: [Double] = []
    var deviation: [Double] = []
    for channel in 0..<3 {
      let average = Double(sums[channel]) / count
      let variance = Double(squares[channel]) / count - average * average
      mean.append(average / 255)
      deviation.append(max(variance, 1).squareRoot() / 255)
    }
    self.init(mean: mean, standardDeviation: deviation)
  }
}
