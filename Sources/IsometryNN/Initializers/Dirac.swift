internal import CLAPACK
public import IsometryCore
public import IsometryGraph

/// Convolutions that begin with the identity: the first output channels, one for each input channel, copy
/// the pixel at the kernel's center. Other weights are uniform in ±1/√fan_in, PyTorch's default. In a
/// network whose layers pool, such as speedrun, the head's weights are divided by their standard
/// deviation: its logits have a small factor.
///
/// With `stem=whitening` the first layer whitens patches of the images and does not train. Its filters
/// are the eigenvectors v of E p·pᵀ over all patches p of some images, divided by √(λ + 0.0005), with
/// both signs. It needs 2·C·R·S output channels.
///
/// Options: `stem=whitening|dirac` (whitening), and `images=NUMBER` (5000), the first images of the
/// training split, without augmentation.
///
/// - Source: Zagoruyko, Komodakis, "DiracNets" (2017); Jordan, "94% on CIFAR-10 in 3.29 seconds on a
///   single GPU" (2024), sections 3.2 and 3.3.
public struct Dirac: Initializer {
  public static let name = "dirac"
  public static let summary = "the first channels of convolutions copy; the stem whitens patches"
  public static let conditions =
    "speedrun, which needs images of the data set; any network with stem=dirac"
  public static let options = [
    InitializerOption("stem", "whitening (default), which does not train, or dirac"),
    InitializerOption("images", "1 or more (default 5000): images whose patches are whitened"),
  ]

  /// The weights of the first layer.
  public enum Stem: String, Sendable, CaseIterable {
    /// Filters that make patches of the images white.
    case whitening
    /// As the other layers.
    case dirac
  }

  /// The option `stem`.
  public let stem: Stem
  /// The number of images whose patches are whitened.
  public let images: Int
  /// The elements of the stem's weight, once they are resolved.
  private var filters: [Double]?
  /// The term that keeps directions of small variance finite.
  private static let epsilon = 5e-4

  public init(options: InitializerOptions) throws(InitializationError) {
    stem = try options.choice("stem") ?? .whitening
    let count = try options.number("images", expected: "a whole number, 1 to 50000") {
      (1...50_000).contains($0) && $0.rounded() == $0
    }
    images = count.map { Int($0) } ?? 5000
  }

  public var blockTraits: BlockTraits { BlockTraits(hasFixedStem: stem == .whitening) }
  public var imagesNeeded: Int { stem == .whitening && filters == nil ? images : 0 }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    try Self.requireWeightsAsDrawn(layout)
    guard stem == .whitening else { return }
    guard let weight = layout.stem?.weight, weight.role == .convolutionWeight,
      weight.shape[0] == 2 * weight.fanIn
    else {
      throw Self.refusal(
        "whitens with a stem of two channels for each number of a patch",
        "choose the model speedrun, or dirac:stem=dirac")
    }
  }

  public func resolved(
    for network: any Network, seed: UInt64, images: HostTensor, on backend: any Backend
  ) throws -> any Initializer {
    let layout = network.layout
    try check(layout)
    guard stem == .whitening, let weight = layout.stem?.weight else { return self }
    var result = self
    result.filters = ProductThreads.withOne {
      let moments = Self.patchMoments(images, rows: weight.shape[2], columns: weight.shape[3])
      let half = Self.whiteningFilters(moments, size: weight.fanIn)
      return half + half.map { -$0 }
    }
    return result
  }

  /// E p·pᵀ over all patches of images [N, C, H, W]: the upper triangle of size × size for the C·R·S
  /// elements of a patch, in the order of a convolution's weight.
  private static func patchMoments(_ images: HostTensor, rows: Int, columns: Int) -> [Double] {
    let (count, channels) = (images.shape[0], images.shape[1])
    let (height, width) = (images.shape[2], images.shape[3])
    let (down, right) = (height - rows + 1, width - columns + 1)
    let (size, places) = (channels * rows * columns, down * right)
    let elements = images.floats
    var patches = [Double](repeating: 0, count: size * places)
    var moments = [Double](repeating: 0, count: size * size)
    for image in 0..<count {
      var element = 0
      for channel in 0..<channels {
        let plane = (image * channels + channel) * height * width
        for row in 0..<rows {
          for column in 0..<columns {
            for y in 0..<down {
              let source = plane + (y + row) * width + column
              let target = element * places + y * right
              for x in 0..<right { patches[target + x] = Double(elements[source + x]) }
            }
            element += 1
          }
        }
      }
      cblas_dsyrk(
        CblasRowMajor, CblasUpper, CblasNoTrans, blasint(size), blasint(places),
        1 / Double(count * places), patches, blasint(places), 1, &moments, blasint(size))
    }
    return moments
  }

  /// The eigenvectors of a symmetric matrix, each divided by √(λ + ε), as rows.
  ///
  /// - Parameter matrix: its upper triangle.
  private static func whiteningFilters(_ matrix: [Double], size: Int) -> [Double] {
    var vectors = matrix
    var values = [Double](repeating: 0, count: size)
    // The upper triangle in row-major order is the lower one in column-major order, whose columns the
    // eigenvectors then are.
    let status = LAPACKE_dsyevd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")), Int32(size), &vectors,
      Int32(size), &values)
    precondition(status == 0, "dsyevd ends with \(status)")
    for index in vectors.indices {
      // Rounding can make an eigenvalue of 0 negative.
      vectors[index] /= (max(0, values[index / size]) + epsilon).squareRoot()
    }
    return vectors
  }

  /// Draws the weights. Throws `InitializationError.condition` if the stem's filters are unresolved, or
  /// resolved for another network.
  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    let whitened = stem == .whitening ? layout.stem?.weight : nil
    if let whitened, filters?.count != whitened.shape.elementCount {
      throw Self.refusal(
        "depends on images", "resolve it with `resolved(for:seed:images:on:)` for this network")
    }
    try layout.drawWeights(store) { parameter in
      if parameter == whitened, let filters { return filters }
      var random = parameter.randomStream(seed: seed)
      let bound = 1 / Double(parameter.fanIn).squareRoot()
      var elements = random.uniforms(parameter.shape.elementCount, bound: bound)
      if parameter == layout.head?.weight, layout.layers.contains(where: { $0.pooling != nil }) {
        let deviation = elements.sampleDeviation
        for index in elements.indices { elements[index] /= deviation }
      } else if parameter.role == .convolutionWeight {
        elements.beginWithIdentity(parameter.shape)
      }
      return elements
    }
  }
}

extension [Double] {
  /// The square root of the unbiased variance; 1 for a single element.
  fileprivate var sampleDeviation: Double {
    guard count > 1 else { return 1 }
    let mean = reduce(0, +) / Double(count)
    return (reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot()
  }

  /// Makes the first filters of a convolution [K, C, R, S] copy the first channels of its input.
  fileprivate mutating func beginWithIdentity(_ shape: Shape) {
    let (kernel, fanIn) = (shape[2] * shape[3], shape.elementCount(from: 1))
    for channel in 0..<Swift.min(shape[0], shape[1]) {
      let first = channel * fanIn
      for index in first..<first + fanIn { self[index] = 0 }
      self[first + channel * kernel + shape[2] / 2 * shape[3] + shape[3] / 2] = 1
    }
  }
}
