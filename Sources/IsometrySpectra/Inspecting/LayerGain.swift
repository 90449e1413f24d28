internal import IsometryCore
internal import IsometryGraph
internal import IsometryNN

/// The effect of one layer on mean squares, from its current weights. It is the squared norm ‖W‖² of
/// the linear map from image to image, including padding and stride, divided by a side.
struct LayerGain {
  /// ‖W‖²/n for n inputs: the mean of ‖W·v‖² over unit vectors v.
  let perDirection: Double
  /// ‖W‖²/m for m outputs: the factor of the elements' mean square.
  let meanSquare: Double
  /// The mean square of the bias, or of the normalization's shift that replaces it.
  let biasVariance: Double

  /// - Parameters:
  ///   - inputSize: [H, W] of a convolution's input; ignored for dense layers.
  ///   - session: the source of weights. Of normalizations only scale and shift are used, as if their
  ///     inputs had mean 0 and variance 1.
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

  /// The number of output pixels for which each tap of the kernel lies on the image.
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
