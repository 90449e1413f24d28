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

  /// result = (result + addend)·φ′ for the epilogue of an operation that makes a gradient.
  ///
  /// - Parameter operands: how many inputs come before addend and reference.
  func apply(_ gradient: ActivationGradient?, operands: Int) {
    guard let gradient else { return }
    let dx = results[0].elements
    if gradient.addends == 2 {
      let addend = inputs[operands].elements
      for index in dx.indices { dx[index] += addend[index] }
    }
    multiply(dx, bySlopesOf: gradient, inputs[inputs.count - 1].elements)
  }

  /// gradient ← gradient·φ′, with φ′ from x or from y.
  func multiply(
    _ elements: Elements, bySlopesOf gradient: ActivationGradient, _ reference: Elements
  ) {
    let activation = gradient.activation
    switch gradient.reference {
    case .output:
      for index in elements.indices {
        elements[index] *= activation.derivative(fromOutput: reference[index])
      }
    case .input:
      for index in elements.indices { elements[index] *= activation.derivative(reference[index]) }
    }
  }
}
