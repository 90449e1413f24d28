import Foundation
import IsometryFiles
import TestSupport
import Testing

@testable import IsometryReport

/// Pages in Chromium without a window.
@Suite(.enabled(if: Browser.isInstalled, "needs the program chromium"), .serialized)
struct BrowserTests {
  /// The page reports no error, and nothing that its policy forbids, so that no request leaves it. It draws
  /// more than an empty page, in light and dark and on a narrow screen.
  @Test(arguments: [(1200, false), (500, true)])
  func aPageIsDrawn(width: Int, isDark: Bool) throws {
    let folder = try TemporaryFolder()
    let run = try PageTests.fullRun(PageTests.makeRun(in: folder.path))
    let browser = Browser(folder: folder.path, width: width, isDark: isDark)
    let drawn = try browser.draw(Report([run]).page)
    #expect(drawn.messages.isEmpty, "\(drawn.messages)")
    let empty = try browser.draw("<!DOCTYPE html><title>empty</title>")
    #expect(drawn.picture.count > 5 * empty.picture.count)
  }

  /// The messages that the test above expects none of.
  @Test func aForbiddenRequestIsReported() throws {
    let folder = try TemporaryFolder()
    let run = ReportedRun(try PageTests.makeRun(in: folder.path), withoutMeasurements: "none")
    let page = Report([run]).page.replacingOccurrences(
      of: "</main>", with: "<img src=\"https://example.org/a.png\"></main>")
    let browser = Browser(folder: folder.path, width: 800, isDark: false)
    #expect(try browser.draw(page).messages.contains { $0.contains("example.org") })
  }

  /// A wide table scrolls in its frame: the page is no wider than the screen.
  @Test func aNarrowScreenHoldsThePage() throws {
    let folder = try TemporaryFolder()
    let run = try PageTests.fullRun(PageTests.makeRun(in: folder.path))
    let probe = "<script>document.title = document.documentElement.scrollWidth</script></body>"
    let page = Report([run]).page
      .replacingOccurrences(of: "default-src 'none'", with: "script-src 'unsafe-inline'")
      .replacingOccurrences(of: "</body>", with: probe)
    let dom = try Browser(folder: folder.path, width: 500, isDark: false).dom(of: page)
    let title = try #require(dom.firstMatch(of: /<title>(\d+)<\/title>/)).output.1
    #expect(try #require(Int(title)) <= 500)
  }
}

private struct Browser {
  private static let name = "chromium"

  static let isInstalled =
    (try? ExternalProgram.run(name, ["--version"]))?.status == 0

  let folder: String
  let width: Int
  let isDark: Bool

  /// The outcome of Chromium. It sometimes waits for itself on a busy machine, so that it is started again.
  private func run(_ arguments: [String], _ page: String) throws -> ExternalProgram.Outcome {
    let path = "\(folder)/page.html"
    try page.write(toFile: path, atomically: true, encoding: .utf8)
    var outcome: ExternalProgram.Outcome
    var start = 0
    repeat {
      start += 1
      outcome = try ExternalProgram.run(
        "timeout",
        [
          "--signal=KILL", "30", Self.name, "--headless", "--no-sandbox", "--disable-gpu",
          "--disable-background-networking", "--disable-component-update", "--disable-extensions",
          "--disable-sync", "--no-first-run", "--user-data-dir=\(folder)/profile-\(start)",
          "--window-size=\(width),2000", "--enable-logging", "--log-file=\(folder)/log",
          "--blink-settings=preferredColorScheme=\(isDark ? 0 : 1)",
        ] + arguments + ["file://\(path)"])
    } while outcome.status == Self.timeLimitStatus && start < Self.mostStarts
    return outcome
  }

  /// The status of `timeout` if it killed the program.
  private static let timeLimitStatus: Int32 = 128 + 9
  private static let mostStarts = 4

  /// The picture as a PNG file, and the lines of the console.
  func draw(_ page: String) throws -> (picture: [UInt8], messages: [Substring]) {
    let picture = "\(folder)/picture.png"
    let outcome = try run(["--screenshot=\(picture)"], page)
    #expect(outcome.status == 0, "\(outcome.lastErrorLine)")
    let log = String(decoding: try WholeFile.read("\(folder)/log"), as: UTF8.self)
    return (
      try WholeFile.read(picture), log.split(separator: "\n").filter { $0.contains("CONSOLE") }
    )
  }

  func dom(of page: String) throws -> String { try run(["--dump-dom"], page).standardOutput }
}
