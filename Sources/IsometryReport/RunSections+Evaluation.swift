import Foundation
import IsometryFiles
import IsometryGraph
import IsometryTraining

extension RunSections {
  /// A row for each class, a column for the class that its images were taken for.
  var confusion: HTML {
    content(run.evaluation) { evaluation in
      let confusion = evaluation.confusion
      let head = HTML.joined(
        ["class", "accuracy"].map { .element("th", ["scope": "col"], "\($0)") }
          + confusion.classNames.map { .element("th", ["scope": "col"], "\($0)") })
      let rows = confusion.classNames.indices.map { label in
        let count = confusion.imageCount(ofClass: label)
        let cells = confusion.counts[label].enumerated().map { predicted, images in
          HTML.element(
            "td",
            [
              "class": predicted == label ? "hit" : "miss",
              "style": "--share: \(share(images, of: count))",
            ], images == 0 ? "·" : "\(images)")
        }
        let accuracy = confusion.accuracy(ofClass: label).map {
          Wording.percent($0, digits: 1)
        }
        return HTML.element(
          "tr", [:],
          .element("th", ["scope": "row"], "\(confusion.classNames[label])")
            + .element("td", [:], "\(accuracy ?? "none")") + .joined(cells))
      }
      let caption =
        "\(Wording.percent(evaluation.result.accuracy, digits: 2)) of "
        + "\(Wording.count(Double(evaluation.result.count))) \(run.evaluated) images after epoch "
        + "\(evaluation.epoch); a row is a class, a column what its images were classified as"
      return .scrolling(
        "Confusion of classes",
        .element(
          "table", ["class": "confusion"],
          .element("caption", [:], "\(caption)")
            + .element("thead", [:], .element("tr", [:], head))
            + .element("tbody", [:], .joined(rows))))
    }
  }

  private func share(_ images: Int, of count: Int) -> String {
    String(format: "%.4f", count == 0 ? 0 : Double(images) / Double(count))
  }

  /// The images with the lowest probability of their label.
  var mistakes: HTML {
    content(run.evaluation) { evaluation in
      guard !evaluation.mistakes.isEmpty else {
        return Self.remark("Every image was classified correctly.")
      }
      let figures = evaluation.mistakes.map { mistake in
        let data = Data(mistake.picture.file).base64EncodedString()
        let size: HTML = "width=\"\(mistake.picture.width)\" height=\"\(mistake.picture.height)\""
        let image: HTML =
          "<img \(size) alt=\"\(mistake.label)\" src=\"data:image/png;base64,\(data)\">"
        return HTML.element(
          "figure", [:],
          image
            + .element(
              "figcaption", [:],
              "\(mistake.label), classified as \(mistake.predicted): "
                + "\(Wording.percent(mistake.labelProbability, digits: 1)) and "
                + "\(Wording.percent(mistake.predictedProbability, digits: 1))"))
      }
      return Self.remark(
        "The images with the lowest probability of their class, and that of the other class.")
        + .element("div", ["class": "mistakes"], .joined(figures))
    }
  }

  var memory: HTML {
    content(run.memory) { memory in
      Self.bars(
        "Device memory of training: \(Wording.bytes(memory.total))",
        ["use", "memory", "share"],
        memory.byUse.map { use, count in
          ([use, Wording.bytes(count)], Double(count) / Double(max(1, memory.total)))
        })
    }
  }

  var times: HTML {
    content(run.times) { times in
      let total = times.reduce(0) { $0 + $1.seconds }
      return Self.bars(
        "Launches of a training step: \(Wording.short(1e3 * total)) ms together",
        ["operation", "launches", "ms", "share"],
        times.map { time in
          (
            [time.name, Wording.short(time.launches), Wording.short(1e3 * time.seconds)],
            time.share
          )
        })
    }
  }

  /// A table whose last columns are a share, as a number and as a bar.
  private static func bars(
    _ caption: String, _ columns: [String], _ rows: [(cells: [String], share: Double)]
  ) -> HTML {
    let head =
      HTML.joined(columns.map { .element("th", ["scope": "col"], "\($0)") })
      + .element("td", ["class": "bar"])
    let body = rows.map { cells, share in
      let bar = HTML.element("span", ["style": String(format: "--share: %.4f", share)])
      return HTML.element(
        "tr", [:],
        .element("th", ["scope": "row"], "\(cells[0])")
          + .joined(cells.dropFirst().map { .element("td", [:], "\($0)") })
          + .element("td", [:], "\(Wording.percent(share, digits: 1))")
          + .element("td", ["class": "bar"], bar))
    }
    return .scrolling(
      caption,
      .element(
        "table", ["class": "wide"],
        .element("caption", [:], "\(caption)")
          + .element("thead", [:], .element("tr", [:], head))
          + .element("tbody", [:], .joined(body))))
  }
}
