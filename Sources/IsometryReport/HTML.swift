/// A piece of a page, or of a picture in SVG. Texts that are inserted are escaped, pieces are not.
package struct HTML: Sendable, ExpressibleByStringInterpolation {
  package private(set) var text: String

  package init(stringLiteral text: String) { self.text = text }

  package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  private init(text: String) { self.text = text }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ literal: String) { text += literal }

    package mutating func appendInterpolation(_ piece: HTML) { text += piece.text }

    package mutating func appendInterpolation(_ number: Int) { text += "\(number)" }

    /// A coordinate, to a hundredth.
    package mutating func appendInterpolation(_ coordinate: Double) {
      let hundredths = (100 * coordinate).rounded()
      text +=
        hundredths.truncatingRemainder(dividingBy: 100) == 0
        ? "\(Int(hundredths / 100))" : "\(hundredths / 100)"
    }

    package mutating func appendInterpolation(_ words: some StringProtocol) {
      text += HTML.escaped(words)
    }
  }

  /// `<name attribute="value">content</name>`
  static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: HTML = ""
  ) -> HTML {
    let list = attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
    return HTML(text: "<\(name)\(list)>\(content.text)</\(name)>\n")
  }

  static func joined(_ pieces: [HTML]) -> HTML { HTML(text: pieces.map(\.text).joined()) }

  /// A table whose first column is text, and whose other columns are numbers.
  static func table(_ caption: String, _ columns: [String], _ rows: [[String]]) -> HTML {
    let head = joined(columns.map { element("th", ["scope": "col"], "\($0)") })
    let body = rows.map { row in
      element(
        "tr", [:],
        element("th", ["scope": "row"], "\(row.first ?? "")")
          + joined(row.dropFirst().map { element("td", [:], "\($0)") }))
    }
    let content =
      element("caption", [:], "\(caption)") + element("thead", [:], element("tr", [:], head))
      + element("tbody", [:], joined(body))
    return scrolling(caption, element("table", [:], content))
  }

  /// A wide piece, which the keyboard can scroll too.
  static func scrolling(_ label: String, _ content: HTML) -> HTML {
    element(
      "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": label], content)
  }

  /// A piece that opens when its title is chosen.
  static func details(_ title: String, isOpen: Bool = false, _ content: HTML) -> HTML {
    let inner = element("summary", [:], "\(title)") + content
    return isOpen ? element("details", ["open": ""], inner) : element("details", [:], inner)
  }

  static func + (left: HTML, right: HTML) -> HTML { HTML(text: left.text + right.text) }

  private static func escaped(_ text: some StringProtocol) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      // HTML has no form for other control characters.
      case "\n", "\t": result.append(character)
      case _ where character.unicodeScalars.allSatisfy { $0.value < 32 || $0.value == 127 }: break
      default: result.append(character)
      }
    }
  }
}
