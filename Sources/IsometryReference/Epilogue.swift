internal import IsometryCore
internal import IsometryGraph

extension NodeExecution {
  /// result = φ(result + bias + residual)
  ///
  /// - Parameter operands: how many inputs come before the epilogue's.
  func apply(_ epilogue: Epilogue, operands: Int) {
    let y = results[0].elements
    if epilogue.hasBias { addBias(inputs[operands]) }
    if epilogue.hasResidual {
      let residual = inputs[inputs.count - 1].elements
      for index in y.indices { y[index] += residual[index] }
    }
    if epilogue.activation != .linear {
      for index in y.indices { y[index] = epilogue.activation(y[index]) }
    }
  }

  /// result = (result + addend)·φ′ for an activation gradient or an epilogue that is one.
  ///
  /// - Parameter operands: how many inputs come before addend and reference.
  func apply(_ gradient: ActivationGradient?, operands: Int) {
    guard let gradient else { return }
    let dx = results[0].elements
    if gradient.addends == 2 {
      let addend = inputs[operands].elements
      for index in dx.indices { dx[index] += addend[index] }
    }
    let (activation, reference) = (gradient.activation, inputs[inputs.count - 1].elements)
    switch gradient.reference {
    case .output:
      for index in dx.indices { dx[index] *= activation.derivative(fromOutput: reference[index]) }
    case .input:
      for index in dx.indices { dx[index] *= activation.derivative(reference[index]) }
    }
  }
}
