internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

/// A unit of one of several weights.
private struct Unit {
  /// The position of the weight among all.
  let weight: Int
  /// The number of the unit in its weight, and the elements before it there.
  let index: Int
  let first: Int
  let length: Int
}

extension GraphLowering {
  /// Units are pieces; standardized weights are made plain, and converted for the convolutions.
  func lowerWeightStandardization(
    _ node: Node, _ attributes: WeightStandardization
  ) throws(CPUError) {
    let weights = try plain(node.inputs, every: 2, from: 0)
    let gains = try plain(node.inputs, every: 2, from: 1)
    let results = node.results.map { makePlainResult($0) }
    let units = units(of: results)
    let (factors, epsilon) = (attributes.factors.map { Float($0) }, Float(attributes.epsilon))
    emit(
      node.operation.name, reads: weights + gains, writes: results.map(\.storage),
      .pieces(units.count) { range in
        for unit in units[range] {
          let result = results[unit.weight]
          vl_standardize(
            result.loops, weights[unit.weight].elements() + unit.first, Int64(unit.length),
            factors[unit.weight] * gains[unit.weight].elements(Float.self)[unit.index], epsilon,
            result.bytes(from: unit.first))
        }
      })
  }

  func lowerWeightStandardizationGradient(
    _ node: Node, _ attributes: WeightStandardization
  ) throws(CPUError) {
    let upstream = try plain(node.inputs, every: 3, from: 0)
    let weights = try plain(node.inputs, every: 3, from: 1)
    let gains = try plain(node.inputs, every: 3, from: 2)
    let results = node.results.map { makePlainResult($0) }
    let ofWeights = stride(from: 0, to: results.count, by: 2).map { results[$0] }
    let ofGains = stride(from: 1, to: results.count, by: 2).map { results[$0].storage }
    let units = units(of: ofWeights)
    let (factors, epsilon) = (attributes.factors.map { Float($0) }, Float(attributes.epsilon))
    emit(
      node.operation.name, reads: upstream + weights + gains, writes: results.map(\.storage),
      .pieces(units.count) { range in
        for unit in units[range] {
          vl_standardize_gradient(
            upstream[unit.weight].elements() + unit.first,
            weights[unit.weight].elements() + unit.first, Int64(unit.length),
            factors[unit.weight], gains[unit.weight].elements(Float.self)[unit.index], epsilon,
            ofWeights[unit.weight].storage.elements() + unit.first,
            ofGains[unit.weight].elements() + unit.index)
        }
      })
  }

  private func plain(
    _ values: [Value], every step: Int, from start: Int
  ) throws(CPUError) -> [Storage] {
    var storages: [Storage] = []
    for index in stride(from: start, to: values.count, by: step) {
      storages.append(try storage(values[index], as: .plain))
    }
    return storages
  }

  /// Convolutions convert a result to their own layout, once for all that share it.
  private func makePlainResult(_ value: Value) -> StoredValue {
    let type = graph.type(of: value)
    let place = StoredValue(
      type: type, layout: .plain, storage: Storage(byteCount: type.byteCount, use: uses[value]))
    setPlace(value, place)
    return place
  }

  private func units(of weights: [StoredValue]) -> [Unit] {
    weights.enumerated().flatMap { position, weight in
      let length = weight.type.shape.elementCount(from: 1)
      return (0..<weight.type.shape[0]).map {
        Unit(weight: position, index: $0, first: $0 * length, length: length)
      }
    }
  }
}
