import Foundation
import Testing

@Suite struct DoctorCommandTests {
  /// Runs `doctor` with the drivers of a folder, as `subject: state`.
  private static func findings(
    drivers: [String: String], _ variables: [String: String] = [:]
  ) throws -> (code: Int32, states: [(subject: String, state: String, text: String)]) {
    try withFolder { folder in
      let vendors = "\(folder)/vendors"
      try FileManager.default.createDirectory(
        atPath: vendors, withIntermediateDirectories: false)
      for (name, text) in drivers {
        try Data(text.utf8).write(to: URL(filePath: "\(vendors)/\(name)"))
      }
      let program = try Program.run(
        ["doctor", "--json"], in: folder,
        environment: ["OCL_ICD_VENDORS": vendors].merging(variables) { $1 })
      let states = try program.objects().map { object in
        let words = ["subject", "state", "finding", "advice"].map { object[$0] as? String ?? "" }
        return (words[0], words[1], words[2] + " " + words[3])
      }
      return (program.code, states)
    }
  }

  @Test func aMachineWithoutDriversWorksWithARestriction() throws {
    let (code, states) = try Self.findings(drivers: [:])
    #expect(code == 0)
    #expect(states.contains { $0.subject == "driver" && $0.state == "limited" })
    #expect(states.contains { $0.subject == "device" && $0.state == "good" })
    for subject in ["machine", "program", "data", "memory", "runs", "cache"] {
      #expect(states.contains { $0.subject == subject }, "\(subject)")
    }
  }

  @Test(arguments: [("libno-such-driver.so.1\n", "libno-such-driver"), ("", "names no library")])
  func driversThatDoNotLoadAreNamed(_ text: String, _ reason: String) throws {
    let (code, states) = try Self.findings(drivers: ["broken.icd": text])
    #expect(code == 1)
    let driver = try #require(states.first { $0.subject == "driver" })
    #expect(driver.state == "broken" && driver.text.contains(reason), "\(driver.text)")
    #expect(driver.text.contains("install the driver again"))
  }

  @Test func foldersThatCannotBeUsedAreNamed() throws {
    let (_, states) = try Self.findings(
      drivers: [:], ["ISOMETRY_CACHE_DIR": "/dev/null/cache", "PATH": "/no/folder"])
    let cache = try #require(states.first { $0.subject == "cache" })
    #expect(cache.state == "limited" && cache.text.contains("ISOMETRY_CACHE_DIR"))
    #expect(states.filter { $0.subject == "program" }.allSatisfy { $0.state == "limited" })
    let (code, broken) = try Self.findings(drivers: [:], ["ISOMETRY_DATA": "/no/folder"])
    #expect(code == 1 && broken.contains { $0.subject == "data" && $0.state == "broken" })
  }

  /// The images are looked at, and not converted; the advice is about the folder that was taken.
  @Test func imagesAreLeftAlone() throws {
    try withFolder { folder in
      let images = "\(folder)/images/a"
      try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
      for index in 0..<10 { try Data().write(to: URL(filePath: "\(images)/\(index).png")) }
      let data = try #require(
        Self.findings(drivers: [:], ["ISOMETRY_DATA": "\(folder)/images"]).states
          .first { $0.subject == "data" })
      #expect(data.state == "good" && data.text.contains("9 to train, 1 to test"), "\(data.text)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/images") == ["a"])
      let batches = "\(folder)/data/cifar-10-batches-bin"
      try FileManager.default.createDirectory(atPath: batches, withIntermediateDirectories: true)
      try Data([1]).write(to: URL(filePath: "\(batches)/data_batch_1.bin"))
      let result = try Program.run(
        "doctor", in: folder, environment: ["OCL_ICD_VENDORS": "\(folder)/none"])
      #expect(result.code == 1)
      #expect(result.standardOutput.contains("repair or remove ./data"), "\(result.standardOutput)")
    }
  }
}
