import IsometryCore
import RealModule
import Testing

@Suite struct ActivationTests {
  static let all: [Activation] =
    Activation.allNamed + [
      .leakyReLU(slope: 0.3), .leakyReLU(slope: 0), .leakyReLU(slope: -0.5), .elu(alpha: 0.5),
      .elu(alpha: 0), .elu(alpha: -0.5),
    ]

  /// Points beside the kinks at −1, 0 and 1.
  static let points = stride(from: -6.03, through: 6, by: 0.11).map { $0 }

  @Test func thereAreFourteenWithDifferentNames() {
    #expect(Activation.allNamed.count == 14)
    #expect(Set(Activation.allNamed.map(\.name)).count == 14)
    for activation in Activation.allNamed {
      #expect(Activation(named: activation.name) == activation)
    }
  }

  @Test func parametersBelongToTwoOfThem() {
    #expect(Activation(named: "leaky-relu", parameter: 0.25) == .leakyReLU(slope: 0.25))
    #expect(Activation(named: "elu", parameter: 2) == .elu(alpha: 2))
    #expect(Activation(named: "tanh", parameter: 2) == nil)
    #expect(Activation(named: "swish") == nil)
    #expect(Activation.elu(alpha: 2).parameter == 2)
    #expect(Activation.tanh.parameter == 0)
  }

  @Test(arguments: all)
  func derivativesAreThoseOfTheFunction(activation: Activation) {
    for x in Self.points {
      let h = 1e-5
      let difference = (activation(x + h) - activation(x - h)) / (2 * h)
      #expect(abs(activation.derivative(x) - difference) < 1e-8, "at \(x)")
    }
  }

  @Test(arguments: all.filter(\.hasDerivativeFromOutput))
  func derivativesFromOutputsAreTheSame(activation: Activation) {
    for x in Self.points + [-1, 0, 1] {
      let y = activation(x)
      #expect(
        abs(activation.derivative(fromOutput: y) - activation.derivative(x)) < 1e-13, "at \(x)")
    }
  }

  @Test(arguments: all)
  func singlePrecisionFollowsDouble(activation: Activation) {
    for x in Self.points {
      #expect(abs(Double(activation(Float(x))) - activation(Double(Float(x)))) < 2e-6)
      #expect(
        abs(Double(activation.derivative(Float(x))) - activation.derivative(Double(Float(x))))
          < 2e-6)
    }
  }

  @Test(arguments: all)
  func aNumberThatIsNoneShowsItself(activation: Activation) {
    #expect(activation(Double.nan).isNaN)
  }

  @Test(arguments: all)
  func largeNumbersDoNotOverflow(activation: Activation) {
    for x in [-1e4, 1e4] as [Float] {
      #expect(activation(x).isFinite)
      #expect(activation.derivative(x).isFinite)
    }
  }

  @Test func theUnitErrorFunctionHasSlopeOne() {
    #expect(abs(Activation.unitErf.derivative(0.0) - 1) < 1e-15)
    #expect(abs(Activation.unitErf(0.7) - .erf(.sqrt(.pi) * 0.35)) < 1e-15)
  }
}
