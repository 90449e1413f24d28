/// A color of text on a terminal.
enum Ink: Int {
  case red = 31
  case green = 32
  case yellow = 33

  /// The text in this color, or as it is if the stream shows no colors.
  func text(_ text: String, on stream: StandardStream) -> String {
    stream.hasColors ? "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" : text
  }
}
