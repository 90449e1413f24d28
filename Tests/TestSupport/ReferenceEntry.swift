public import Foundation

/// One of the values that an independent implementation gave for the theory, from a file that may lie
/// beside the checkout.
public struct ReferenceEntry: Decodable, Sendable {
  public let id: String
  /// One number, or the bounds of several.
  public let values: [Double]
  public let tolerance: Double
  public let numbers: [String: Double]
  public let names: [String: String]

  /// The first parts of the identifier: "T", "lambda_max", …
  public var parts: [String] { id.split(separator: ".").map(String.init) }

  public static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "../shared/theory/reference_values.json").standardizedFileURL

  public static var isAvailable: Bool { FileManager.default.fileExists(atPath: file.path) }

  public static func all() throws -> [ReferenceEntry] {
    try JSONDecoder().decode([ReferenceEntry].self, from: Data(contentsOf: file))
  }

  private enum CodingKeys: String, CodingKey { case id, value, tolerance, inputs }

  private enum Input: Decodable {
    case number(Double)
    case name(String)
    case none

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .none
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .name(try container.decode(String.self))
      }
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    id = try container.decode(String.self, forKey: .id)
    tolerance = try container.decode(Double.self, forKey: .tolerance)
    if let value = try? container.decode(Double.self, forKey: .value) {
      values = [value]
    } else {
      values = try container.decode([Double].self, forKey: .value)
    }
    let inputs = try container.decode([String: Input].self, forKey: .inputs)
    numbers = inputs.compactMapValues { if case .number(let value) = $0 { value } else { nil } }
    names = inputs.compactMapValues { if case .name(let value) = $0 { value } else { nil } }
  }
}
