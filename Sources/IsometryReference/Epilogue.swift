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
}
