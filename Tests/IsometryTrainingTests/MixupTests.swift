import IsometryCore
import Testing

@testable import IsometryTraining

@Suite struct MixupTests {
  /// Beta(α, α) has the mean ½ and the variance 1/(4(2α + 1)). A small α must not underflow.
  @Test(arguments: [0.01, 0.2, 1, 3.5])
  func sharesHaveTheirLaw(alpha: Double) {
    let mixup = Mixup(alpha: alpha, seed: 3)
    let count = 20_000
    let shares = (0..<count).map { mixup.share(samples: 128 * $0) }
    #expect(shares.allSatisfy { (0...1).contains($0) })
    let mean = shares.reduce(0, +) / Double(count)
    let square = shares.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / Double(count)
    let variance = 1 / (4 * (2 * alpha + 1))
    // The fourth central moment of Beta(α, α).
    let fourth = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3))
    #expect(abs(mean - 0.5) < 4 * (variance / Double(count)).squareRoot())
    #expect(
      abs(square - variance) < 4 * ((fourth - variance * variance) / Double(count)).squareRoot())
  }

  @Test func sharesDependOnSeedAndPlaceAlone() {
    let mixup = Mixup(alpha: 0.4, seed: 5)
    #expect(mixup.share(samples: 1280) == Mixup(alpha: 0.4, seed: 5).share(samples: 1280))
    #expect(mixup.share(samples: 1280) != mixup.share(samples: 1408))
    #expect(mixup.share(samples: 1280) != Mixup(alpha: 0.4, seed: 6).share(samples: 1280))
  }
}
