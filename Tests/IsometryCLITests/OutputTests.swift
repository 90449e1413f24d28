import Foundation
import IsometryFiles
import IsometryNN
import IsometryOpenCL
import Testing

@testable import IsometryCLI
@testable import IsometryTraining

@Suite struct OutputTests {
  @Test func numbersReadWell() {
    #expect(Wording.count(0) == "0")
    #expect(Wording.count(999) == "999")
    #expect(Wording.count(1_000) == "1,000")
    #expect(Wording.count(12_045_678) == "12,045,678")
    #expect(Wording.percent(0.78812) == "78.8 %")
    #expect(Wording.percent(1, digits: 2) == "100.00 %")
    #expect(Wording.duration(0.04) == "0.0 s")
    #expect(Wording.duration(59.6) == "1 min 0 s")
    #expect(Wording.duration(125) == "2 min 5 s")
    #expect(Wording.duration(7_300) == "2 h 1 min")
    #expect(Wording.duration(.infinity) == "?")
    #expect(Wording.duration(1e300) == "?")
    #expect(Wording.count(Double.infinity) == "?")
    #expect(Wording.count(1234.5) == "1,235")
    #expect(Wording.loss(2.30259) == "2.303")
    #expect(Wording.loss(1_234_567) == "1.235e+06")
    #expect(Wording.loss(.nan) == "not finite")
    #expect(Wording.bytes(1_023) == "1023 bytes")
    #expect(Wording.bytes(3 << 29) == "1.5 GiB")
  }

  @Test func negativeNumbersAreValuesOfTheOptionBefore() {
    let joined = IsometryCLI.Program.joiningNegativeNumbers([
      "train", "--lr", "-1e-3", "--json", "--batch=4", "-2", "x", "-3", "--", "-4", "--seed", "5",
    ])
    #expect(
      joined == [
        "train", "--lr=-1e-3", "--json", "--batch=4", "-2", "x", "-3", "--", "-4", "--seed", "5",
      ])
    let places = IsometryCLI.Program.joiningNegativeNumbers([
      "--at", "0.5", "-1", "2", "-3", "--c", "1", "-4",
    ])
    #expect(places == ["--at", "0.5", "--at=-1", "2", "--at=-3", "--c", "1", "-4"])
    let first = IsometryCLI.Program.joiningNegativeNumbers(["--at", "-1", "-2"])
    #expect(first == ["--at=-1", "--at=-2"])
  }

  @Test func theBarFillsItsWidth() {
    for fraction in [-1, 0, 0.001, 0.5, 0.999, 1, 2] {
      #expect(ProgressLine.bar(fraction).count == ProgressLine.barWidth)
    }
    #expect(ProgressLine.bar(0).allSatisfy { $0 == " " })
    #expect(ProgressLine.bar(1).allSatisfy { $0 == "█" })
  }

  @Test func progressTellsLossAccuracyRateAndTimeLeft() {
    let progress = TrainingProgress(
      epoch: 2, epochs: 5, batch: 195, batchesPerEpoch: 390, step: 585, learningRate: 0.1,
      loss: 1.23449, accuracy: 0.551, imagesPerSecond: 1511.6, secondsLeft: 123)
    let numbers = "loss 1.234  accuracy 55.1 %  1,512 images/s  2 min 3 s left"
    #expect(ProgressLine.bar(progress).hasPrefix("epoch 2/5 ▕████████████ "))
    #expect(ProgressLine.bar(progress).hasSuffix("▏ 50 %  \(numbers)"))
    #expect(ProgressLine.plain(progress) == "epoch 2/5, batch 195/390  \(numbers)")
    for width in [120, 80, 60] {
      let line = ProgressLine.bar(progress, width: width)
      #expect(line.count < width && line.hasSuffix("1,512 images/s  2 min 3 s left"), "\(line)")
    }
  }

  @Test func workTellsItsRateAndTimeLeft() {
    let images = WorkProgress("evaluating", unit: "images")
    #expect(images.line(0, of: 10_000, seconds: 1) == "evaluating: 0 of 10,000 images")
    #expect(
      images.line(2_500, of: 10_000, seconds: 5)
        == "evaluating: 2,500 of 10,000 images  500 images/s  15 s left")
    let cells = WorkProgress("measuring", unit: "cells")
    #expect(
      cells.line(1, of: 3, seconds: 90)
        == "measuring: 1 of 3 cells  1 min 30 s each  3 min 0 s left")
    let bytes = WorkProgress("downloading", unit: "", from: 1 << 20, amount: Wording.bytes)
    #expect(
      bytes.line(3 << 20, of: 5 << 20, seconds: 2)
        == "downloading: 3.0 MiB of 5.0 MiB  1.0 MiB/s  2.0 s left")
  }

  @Test func theEnvironmentIsReadOnce() throws {
    let full = try ProgramEnvironment([
      "ISOMETRY_DATA": "/data", "ISOMETRY_KERNEL_DIR": "/kernels", "ISOMETRY_CACHE_DIR": "/cache",
      "HOME": "/home/a", "ISOMETRY_VALIDATE": "1",
    ])
    #expect(full.validates)
    #expect(full.data == "/data" && full.kernelDirectory == "/kernels")
    #expect(full.cacheDirectory == "/cache")
    #expect(try ProgramEnvironment(["HOME": "/h"]).cacheDirectory == "/h/.cache/isometry")
    #expect(
      try ProgramEnvironment(["HOME": "/h", "XDG_CACHE_HOME": "/x"]).cacheDirectory == "/x/isometry"
    )
    #expect(
      try ProgramEnvironment(["HOME": "/h", "XDG_CACHE_HOME": "x"]).cacheDirectory
        == "/h/.cache/isometry")
    #expect(try ProgramEnvironment(["ISOMETRY_VALIDATE": "0"]).validates == false)
    #expect(throws: UsageError.self) {
      try ProgramEnvironment(["ISOMETRY_VALIDATE": "maybe"])
    }
    #expect(full.matrixUnits == .auto)
    #expect(try ProgramEnvironment(["ISOMETRY_MATRIX_UNITS": "off"]).matrixUnits == .off)
    #expect(throws: UsageError.self) {
      try ProgramEnvironment(["ISOMETRY_MATRIX_UNITS": "1"])
    }
    #expect(full.disabled == [])
    let empty = try ProgramEnvironment(["ISOMETRY_DATA": ""])
    #expect(empty.data == nil && empty.cacheDirectory == nil)
  }

  @Test func featuresAreDisabledByName() throws {
    func disabled(_ list: String) throws -> Set<DisabledFeature> {
      try ProgramEnvironment(["ISOMETRY_DISABLE": list]).disabled
    }
    #expect(try disabled("") == [])
    #expect(try disabled("tuning") == [.tuning])
    #expect(
      try disabled("prologues,command-buffers,graphs,tuning,optimization")
        == Set(DisabledFeature.allCases))
    let unknown = #expect(throws: UsageError.self) { try disabled("tuning,winograd") }
    #expect(
      unknown?.description
        == "ISOMETRY_DISABLE should be any of prologues, command-buffers, graphs, tuning, "
        + "optimization, with commas between them, not winograd")
  }

  @Test(arguments: [
    ("ISOMETRY_PROLOGUES", "ISOMETRY_DISABLE=prologues"),
    ("ISOMETRY_COMMAND_BUFFERS", "ISOMETRY_DISABLE=command-buffers"),
    ("ISOMETRY_TUNING", "ISOMETRY_DISABLE=tuning"), ("ISOMETRY_WINOGRAD", "unset it"),
    ("ISOMETRY_TF32", "--precision tf32"),
  ])
  func removedVariablesSayWhatReplacesThem(name: String, replacement: String) {
    let error = #expect(throws: UsageError.self) { try ProgramEnvironment([name: "1"]) }
    #expect(error?.name == name && error?.reason.contains(replacement) == true)
  }

  @Test func everyInitializationHasASectionAndAPicture() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = root.appending(path: "docs/initialization.md")
    let lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
    for name in InitializerRegistry.names {
      #expect(lines.contains("## \(name)"))
      #expect(lines.contains { $0.hasSuffix("(images/init-\(name).svg)") })
    }
  }
}
