public import IsometryCore

/// A reason why settings cannot be taken from a recipe or a file.
public enum RecipeError: ExplainedError, Equatable {
  /// No recipe of the package has that name; `known` are those that exist.
  case unknown(String, known: [String])
  /// A recipe or a file of settings cannot be used.
  case damaged(name: String, reason: Explanation)

  /// One line with the error and its remedy.
  public var explanation: Explanation {
    switch self {
    case .unknown(let name, let known):
      """
      there is no recipe \(name); the recipes are \(known.joined(separator: ", ")), and files whose names \
      end with .json or .yaml\(known.suggestion(for: name))
      """
    case .damaged(let name, let reason):
      "\(name) cannot be used: \(reason); correct the file"
    }
  }
}
