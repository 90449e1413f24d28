import IsometryCore

/// A canvas for one synthetic picture: linear light intensities in [0, 1], before noise.
///
/// One canvas is reused for many pictures, so that drawing allocates nothing.
struct SyntheticCanvas {
  private typealias Color = SIMD3<Float>
  private static let side = CIFAR10.side

  /// Half the range of the noise added to each channel of each pixel, in [0, 1] units.
  private static let noise: Float = 0.05

  private var colors = [Color](repeating: .zero, count: CIFAR10.pixelsPerChannel)

  /// Draws background, clutter, the figure and the strokes that cross it, from back to front.
  mutating func draw(_ figure: SyntheticFigure, random: inout RandomStream) {
    let ground = drawBackground(random: &random)
    for _ in 0..<(3 + random.integer(below: 3)) {
      drawStroke(
        from: point(in: 0..<32, random: &random), halfLength: random.uniform(in: 1..<6),
        halfWidth: random.uniform(in: 0.6..<2), color: Self.color(random: &random),
        random: &random)
    }
    let center = point(in: 12..<20, random: &random)
    let radius = random.uniform(in: 9.5..<13.5)
    drawFigure(figure, at: center, radius: radius, ground: ground, random: &random)
    for _ in 0..<(1 + random.integer(below: 2)) {
      drawStroke(
        from: center + (point(in: 0..<32, random: &random) - 16) * (radius / 16),
        halfLength: random.uniform(in: 2..<5), halfWidth: random.uniform(in: 0.4..<1),
        color: Self.color(random: &random), random: &random)
    }
  }

  /// Adds noise and writes the picture as 1,024 red, 1,024 green and 1,024 blue bytes.
  func quantize(into bytes: UnsafeMutableBufferPointer<UInt8>, random: inout RandomStream) {
    let plane = CIFAR10.pixelsPerChannel
    for pixel in 0..<plane {
      let word = random.nextUInt32()
      let draws = SIMD3<UInt32>(word & 0x3FF, word >> 10 & 0x3FF, word >> 20 & 0x3FF)
      let noise = (SIMD3<Float>(draws) * (2 / 1023) - 1) * Self.noise
      let level = ((colors[pixel] + noise) * 255 + 0.5).clamped(
        lowerBound: SIMD3(repeating: 0), upperBound: SIMD3(repeating: 255))
      let byte = SIMD3<UInt8>(truncatingIfNeeded: SIMD3<Int32>(level))
      bytes[pixel] = byte.x
      bytes[plane + pixel] = byte.y
      bytes[2 * plane + pixel] = byte.z
    }
  }

  /// Fills the canvas with a linear gradient between two colors, and returns their mean.
  private mutating func drawBackground(random: inout RandomStream) -> Color {
    let first = Self.color(random: &random)
    let second = first + (Self.color(random: &random) - first) * 0.6
    let direction = Self.direction(random: &random) / 45  // the diagonal is 45 pixels long
    for y in 0..<Self.side {
      for x in 0..<Self.side {
        let share = 0.5 + direction.x * (Float(x) - 15.5) + direction.y * (Float(y) - 15.5)
        colors[y * Self.side + x] = first + (second - first) * share
      }
    }
    return (first + second) * 0.5
  }

  private mutating func drawStroke(
    from middle: SIMD2<Float>, halfLength: Float, halfWidth: Float, color: Color,
    random: inout RandomStream
  ) {
    let direction = Self.direction(random: &random)
    paint(around: middle, reach: halfLength + halfWidth + 1) { offset in
      let along = offset.x * direction.x + offset.y * direction.y
      let nearest = max(-halfLength, min(halfLength, along)) * direction
      let away = offset - nearest
      let distance = (away.x * away.x + away.y * away.y).squareRoot() - halfWidth
      return (color, max(0, min(1, 0.5 - distance)))
    }
  }

  /// Draws the figure in a color that contrasts with the background. A texture fills the outline of one
  /// of three shapes with two colors that contrast with each other.
  private mutating func drawFigure(
    _ figure: SyntheticFigure, at center: SIMD2<Float>, radius: Float, ground: Color,
    random: inout RandomStream
  ) {
    let axis = Self.direction(random: &random)
    let main = Self.color(awayFrom: ground, by: 0.5, random: &random)
    let other = Self.color(awayFrom: main, by: 0.5, random: &random)
    let period = random.uniform(in: 4.5..<7)
    let phase = SIMD2(random.uniform(in: 0..<1), random.uniform(in: 0..<1))
    let frames: InlineArray<3, SyntheticFigure> = [.disc, .square, .triangle]
    let frame = figure.isTexture ? frames[Int(random.integer(below: 3))] : figure
    let tilt = Self.direction(random: &random) * (0.15 / radius)
    paint(around: center, reach: radius + 2) { offset in
      let point = SIMD2(
        offset.x * axis.x + offset.y * axis.y, offset.y * axis.x - offset.x * axis.y)
      let coverage = max(0, min(1, 0.5 - frame.outline(point, radius: radius)))
      guard coverage > 0 else { return (main, 0) }
      let share = figure.texture(point, period: period, phase: phase)
      let shade = 1 + tilt.x * offset.x + tilt.y * offset.y
      return ((main + (other - main) * share) * shade, coverage)
    }
  }

  /// Blends a color over every pixel within `reach` of a point along both axes.
  private mutating func paint(
    around place: SIMD2<Float>, reach: Float,
    _ brush: (_ offset: SIMD2<Float>) -> (color: Color, coverage: Float)
  ) {
    let limit = Float(Self.side - 1)
    let left = Int(max(0, place.x - reach))
    let right = Int(min(limit, place.x + reach))
    let top = Int(max(0, place.y - reach))
    let bottom = Int(min(limit, place.y + reach))
    guard left <= right, top <= bottom else { return }
    for y in top...bottom {
      for x in left...right {
        let (color, coverage) = brush(SIMD2(Float(x), Float(y)) - place)
        guard coverage > 0 else { continue }
        let pixel = y * Self.side + x
        colors[pixel] += (color - colors[pixel]) * coverage
      }
    }
  }

  private func point(in range: Range<Float>, random: inout RandomStream) -> SIMD2<Float> {
    SIMD2(random.uniform(in: range), random.uniform(in: range))
  }

  private static func color(random: inout RandomStream) -> Color {
    Color(random.uniform(in: 0..<1), random.uniform(in: 0..<1), random.uniform(in: 0..<1))
  }

  /// A random color at least `distance` from another, or else the farthest of 16 candidates.
  private static func color(
    awayFrom other: Color, by distance: Float, random: inout RandomStream
  ) -> Color {
    var best = other
    var farthest: Float = -1
    for _ in 0..<16 {
      let candidate = color(random: &random)
      let difference = candidate - other
      let length = (difference * difference).sum().squareRoot()
      if length > farthest { (best, farthest) = (candidate, length) }
      if length >= distance { break }
    }
    return best
  }

  /// A random unit vector: a point of the unit disc, normalized. Square roots and divisions have the
  /// same bits on every machine; sines do not.
  private static func direction(random: inout RandomStream) -> SIMD2<Float> {
    while true {
      let point = SIMD2(random.uniform(in: -1..<1), random.uniform(in: -1..<1))
      let square = point.x * point.x + point.y * point.y
      if square <= 1, square > 0.01 { return point / square.squareRoot() }
    }
  }
}

extension RandomStream {
  /// A number in a range, from 24 random bits.
  fileprivate mutating func uniform(in range: Range<Float>) -> Float {
    let fraction = Float(nextUInt32() >> 8) * 0x1p-24
    return range.lowerBound + (range.upperBound - range.lowerBound) * fraction
  }
}
