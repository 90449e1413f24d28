import Foundation
package import IsometryFiles
internal import SwiftProtobuf

/// A value of a run at one step, under its tag. The part of the tag before a slash names its section in
/// TensorBoard.
package struct Summary: Sendable {
  let value: WireSummary.Value

  private init(_ tag: String, _ fill: (inout WireSummary.Value) -> Void) {
    var value = WireSummary.Value()
    value.tag = tag
    fill(&value)
    self.value = value
  }

  /// A number in single precision; NaN and infinities are kept.
  package static func scalar(_ tag: String, _ number: Double) -> Summary {
    Summary(tag) { $0.simpleValue = Float(number) }
  }

  package static func histogram(_ tag: String, _ histogram: Histogram) -> Summary {
    Summary(tag) { $0.histo = histogram.message }
  }

  package static func image(_ tag: String, _ image: PNGImage) -> Summary {
    Summary(tag) {
      $0.image.width = Int32(image.width)
      $0.image.height = Int32(image.height)
      $0.image.colorspace = 3
      $0.image.encodedImageString = image.file.data
    }
  }

  /// A text in Markdown.
  package static func text(_ tag: String, _ markdown: String) -> Summary {
    Summary("\(tag)/text_summary") {
      $0.metadata.pluginData.pluginName = "text"
      $0.tensor.dtype = .dtString
      $0.tensor.tensorShape.dim = [.with { $0.size = 1 }]
      $0.tensor.stringVal = [Array(markdown.utf8).data]
    }
  }

  static func hyperparameters(_ part: String, _ content: WireHyperparametersData) -> Summary {
    Summary("_hparams_/\(part)") {
      $0.metadata.pluginData.pluginName = "hparams"
      $0.metadata.pluginData.content = content.bytes.data
      // The plugin reads the metadata, and TensorBoard needs a value.
      $0.tensor.dtype = .dtFloat
      $0.tensor.floatVal = [0]
    }
  }
}

extension [UInt8] {
  /// The type of a field of bytes.
  fileprivate var data: Data { Data(self) }
}
