import ArgumentParser
import IsometryCore
import IsometryTheory

struct ActivationArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The activation: \(Activation.allNamed.map(\.name).joined(separator: ", ")).",
      valueName: "name"))
  var activation: String

  @Option(
    help: ArgumentHelp(
      """
      The slope of leaky-relu or the α of elu. (default: \(Activation.defaultSlope) for \
      leaky-relu, \(Activation.defaultAlpha) for elu)
      """, valueName: "x"))
  var parameter: Double?

  func validate() throws { _ = try resolved() }

  func resolved() throws -> Activation {
    guard let plain = Activation(named: activation) else {
      throw ValidationError(
        "there is no activation \(activation); the activations are "
          + Activation.allNamed.map(\.name).joined(separator: ", "))
    }
    guard let parameter else { return plain }
    guard parameter.isFinite, let chosen = Activation(named: activation, parameter: parameter)
    else {
      throw ValidationError(
        parameter.isFinite
          ? "\(activation) has no --parameter; leaky-relu and elu have one"
          : "--parameter should be a finite number")
    }
    return chosen
  }

  func function() throws -> ActivationFunction { ActivationFunction(try resolved()) }
}
