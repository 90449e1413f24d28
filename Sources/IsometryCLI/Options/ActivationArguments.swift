import ArgumentParser
import IsometryCore
import IsometryTheory

/// An activation with its parameter.
struct ActivationArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "\(Activation.allNamed.map(\.name).joined(separator: ", ")).", valueName: "name"))
  var activation: String

  @Option(
    help: ArgumentHelp(
      "leaky-relu's slope (default: \(Activation.defaultSlope)) or elu's α "
        + "(default: \(Activation.defaultAlpha)).", valueName: "x"))
  var parameter: Double?

  func validate() throws { _ = try resolved() }

  /// The activation.
  ///
  /// - Throws: `ValidationError` for a name that is no activation's, and a parameter that it does not
  ///   take.
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
          ? "\(activation) takes no --parameter; leaky-relu and elu do"
          : "--parameter should be a finite number")
    }
    return chosen
  }

  /// The activation as the theory takes it.
  func function() throws -> ActivationFunction { ActivationFunction(try resolved()) }
}
