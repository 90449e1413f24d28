internal import IsometryCore
internal import IsometryGraph
internal import IsometryNN

/// What one layer of a network does to mean squares, from its weights as they are: the squared norm
/// ‖W‖² of the linear map from image to image, padding and stride included, over its sides.
struct LayerGain {
  /// ‖W‖²/n for n inputs: the mean of ‖W·v‖² over unit vectors v.
  let perDirection: Double
  /// ‖W‖²/m for m outputs: what the mean square of elements is multiplied by.
  let meanSquare: Double
  /// The mean square of the bias, or of the shift that a normalization has in its place.
  let biasVariance: Double

  /// - Parameters:
  ///   - inputSize: [H, W] of a convolution's input; of no matter for dense layers.
  ///   - session: of normalizations the scale and the shift alone are looked at, as if what they read
  ///     had mean 0 and variance 1 already.
  init(
    _ layer: NetworkLayout.Layer, inputSize: [Int], session: any Session
  ) throws {
    let shape = layer.weight.shape
    let elements = try session.read(variable: layer.weight.name).doubles
    let rowLength = shape.elementCount(from: 1)
    var scales = [Double](repeating: 1, count: shape[0])
    var offset = layer.bias
    if let normalization = layer.normalization {
      scales = try session.read(variable: normalization.scale.name).doubles
      offset = normalization.shift
    }
    let counts = Self.readings(of: layer, inputSize: inputSize)
    var squares = 0.0
    for row in 0..<shape[0] {
      let square = scales[row] * scales[row]
      for index in 0..<rowLength {
        let element = elements[row * rowLength + index]
        squares += square * counts[index % counts.count] * element * element
      }
    }
    let inputPixels = layer.weight.role == .convolutionWeight ? inputSize.reduce(1, *) : 1
    perDirection = squares / Double(shape[1] * inputPixels)
    meanSquare = squares / Double(shape[0] * layer.imageSize.reduce(1, *))
    let shifts = try offset.map { try session.read(variable: $0.name).doubles } ?? []
    biasVariance = shifts.reduce(0) { $0 + $1 * $1 } / Double(max(1, shifts.count))
  }

  /// How many of the result's pixels each tap of the kernel reads a pixel of the image for.
  private static func readings(of layer: NetworkLayout.Layer, inputSize: [Int]) -> [Double] {
    guard layer.weight.role == .convolutionWeight else { return [1] }
    let size = layer.weight.shape[2]
    let padding = size == layer.stride ? 0 : size / 2
    let alongAxes = (0..<2).map { axis in
      (0..<size).map { tap in
        (0..<layer.imageSize[axis]).count { pixel in
          (0..<inputSize[axis]).contains(pixel * layer.stride + tap - padding)
        }
      }
    }
    return alongAxes[0].flatMap { rows in alongAxes[1].map { Double(rows * $0) } }
  }
}
