/// Every initializer by its name.
public enum InitializerRegistry {
  /// The initializers, in the order of help and lists.
  public static let types: [any Initializer.Type] = [
    He.self,
    Glorot.self,
    LeCun.self,
    Orthogonal.self,
    DeltaOrthogonal.self,
    Dirac.self,
    LooksLinear.self,
    Risotto.self,
    RisottoLossless.self,
    Fixup.self,
    SkipInit.self,
    ReZero.self,
    NormPreserving.self,
    ZeroGamma.self,
    LayerSequentialUnitVariance.self,
    Universal.self,
    Critical.self,
  ]

  /// The names, in the order of `types`.
  public static var names: [String] { types.map { $0.name } }

  /// Makes the initializer that `NAME` or `NAME:option=value,…` describes.
  ///
  /// - Throws: `InitializationError` for a name, an option or a value that does not exist.
  public static func make(_ text: String) throws(InitializationError) -> any Initializer {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard !name.isEmpty else { throw .malformed(text) }
    guard let type = types.first(where: { $0.name == name }) else {
      throw .unknownInitializer(name, known: names)
    }
    var values: [String: String] = [:]
    if parts.count == 2 {
      for pair in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
        let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty,
          values.updateValue(String(sides[1]), forKey: String(sides[0])) == nil
        else { throw .malformed(text) }
      }
    }
    let known = type.options.map(\.name)
    if let option = values.keys.sorted().first(where: { !known.contains($0) }) {
      throw .unknownOption(option, initializer: name, known: known)
    }
    return try type.init(options: InitializerOptions(initializer: name, values: values))
  }
}
