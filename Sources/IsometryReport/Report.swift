internal import CIsometryReport
package import IsometryCore

/// A page about one run, or about several with their comparison. It is one file of HTML with pictures in
/// SVG and PNG. It has no script, and needs no other file.
package struct Report: Sendable {
  let runs: [ReportedRun]
  private let names: [String]
  /// The names of settings for readers, such as those of options; nil for the library's.
  let naming: @Sendable (Term) -> String?

  /// - Precondition: there is a run.
  package init(_ runs: [ReportedRun], naming: @escaping @Sendable (Term) -> String? = { _ in nil })
  {
    precondition(!runs.isEmpty, "a report is about a run")
    self.runs = runs
    names = ReportedRun.names(of: runs)
    self.naming = naming
  }

  /// The whole file.
  package var page: String {
    let title = runs.count == 1 ? names[0] : "\(runs.count) runs"
    let head: HTML = """
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
      <link rel="icon" href="data:,">
      \(HTML.element("title", [:], "\(title)"))\(Self.style)
      """
    let body = runs.count == 1 ? single(runs[0]) : comparison
    return "<!DOCTYPE html>\n"
      + HTML.element(
        "html", ["lang": "en"],
        .element("head", [:], head) + .element("body", [:], .element("main", [:], body))
      ).text
  }

  /// Nothing is loaded, and nothing runs.
  private static let policy =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'"

  private static var style: HTML {
    HTML(stringLiteral: "<style>\n\(String(cString: isometry_report_style()))</style>\n")
  }

  private func single(_ run: ReportedRun) -> HTML {
    let sections = RunSections(run, naming: naming)
    let links = sections.all.map { section in
      HTML.element(
        "li", [:], .element("a", ["href": "#\(section.identifier)"], "\(section.title)"))
    }
    return .element("h1", [:], "\(names[0])") + sections.summary
      + .element("nav", ["aria-label": "Sections"], .element("ul", [:], .joined(links)))
      + .joined(sections.all.map(\.html))
  }

  private var comparison: HTML {
    let comparison = RunComparison(runs, names: names, naming: naming)
    let parts = runs.enumerated().map { index, run in
      let sections = RunSections(run, naming: naming, prefix: "run\(index + 1)-", level: "h3")
      return HTML.element(
        "details", ["class": "run"],
        .element("summary", [:], "\(names[index])") + sections.summary
          + .joined(sections.all.map(\.html)))
    }
    return .element("h1", [:], "Comparison of \(runs.count) runs") + comparison.html
      + .element("h2", [:], "The runs") + .joined(parts)
  }
}

/// A part of a page with a title, to which a link can lead.
struct Section {
  let identifier: String
  let title: String
  let html: HTML

  init(_ identifier: String, _ title: String, level: String, _ content: HTML) {
    self.identifier = identifier
    self.title = title
    html = .element(
      "section", ["id": identifier, "aria-label": title],
      .element(level, [:], "\(title)") + content)
  }
}
