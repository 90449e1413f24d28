import Foundation
import IsometryFiles
import Testing

@testable import IsometryData

@Suite struct ImageFolderTests {
  /// Numbered pictures of 12×8 pixels.
  private func picture(_ number: Int, width: Int = 12, height: Int = 8) -> PixelImage {
    PixelImage(
      width: width, height: height,
      bytes: (0..<width * height * 3).map { UInt8(($0 * 7 + number * 13) % 256) })
  }

  private func write(_ count: Int, to folder: String, from first: Int = 0) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for index in 0..<count {
      let name = "\(folder)/" + String(format: "%03d.png", index)
      try WholeFile.write([picture(first + index).png], to: name)
    }
  }

  @Test func everyTenthImageIsATestImageWithoutATestFolder() throws {
    try withFolder { folder in
      try write(20, to: "\(folder)/set/cat")
      try write(10, to: "\(folder)/set/dog", from: 20)
      let source = try DatasetSource.resolve(option: "\(folder)/set", environment: nil)
      #expect(source.kind == .imageFolder("\(folder)/set"))
      let (train, test) = (try source.load(.train), try source.load(.test))
      #expect(train.count == 27 && test.count == 3)
      #expect(train.classNames == ["cat", "dog"])
      #expect((train.format.width, train.format.height) == (12, 8))
      #expect(Array(test.image(1)) == picture(19).planes)
      #expect(test.labels == [0, 0, 1])
      #expect(train.normalization == ChannelStatistics(of: train))
      #expect(test.normalization == train.normalization)
      #expect(try names(in: "\(folder)/set") == ["cat", "dog", "isometry-binary"])
    }
  }

  @Test func splitsMayHaveFolders() throws {
    for name in ["test", "val"] {
      try withFolder { folder in
        try write(3, to: "\(folder)/train/a")
        try write(2, to: "\(folder)/\(name)/a", from: 3)
        let source = try DatasetSource.resolve(option: folder, environment: nil)
        #expect(try source.load(.train).count == 3)
        #expect(Array(try source.load(.test).image(1)) == picture(4).planes)
        try write(1, to: "\(folder)/\(name)/b")
        #expect(
          throws: DatasetError.unknownClass(path: "\(folder)/\(name)/b", in: "\(folder)/train")
        ) { try source.load(.test) }
      }
    }
  }

  @Test func aClassMayBeCalledTrain() throws {
    try withFolder { folder in
      for name in ["bus", "test", "train"] { try write(10, to: "\(folder)/\(name)") }
      let source = try DatasetSource.resolve(option: folder, environment: nil)
      #expect(try source.load(.train).classNames == ["bus", "test", "train"])
      #expect(try source.load(.test).count == 3)
    }
  }

  /// A folder is looked at without a conversion.
  @Test func imagesAreCounted() throws {
    try withFolder { folder in
      try write(20, to: "\(folder)/a")
      let source = try DatasetSource.resolve(option: folder, environment: nil)
      #expect(try DatasetSplit.allCases.map(source.imageCount) == [18, 2])
      #expect(try names(in: folder) == ["a"])
      #expect(
        try DatasetSource.resolve(option: "synthetic", environment: nil).imageCount(of: .test)
          == SyntheticImages.testCount)
    }
  }

  @Test func aFolderIsConvertedOnceUntilItChanges() throws {
    try withFolder { folder in
      try write(10, to: "\(folder)/a")
      let source = try DatasetSource.resolve(option: folder, environment: nil)
      var calls: [Int] = []
      try source.prepare { done, _ in calls.append(done) }
      #expect(calls == [9, 10])
      try source.prepare { _, _ in Issue.record("converted again") }
      try WholeFile.write([picture(77).png], to: "\(folder)/a/000.png")
      #expect(Array(try source.load(.train).image(0)) == picture(77).planes)
      let again = try DatasetSource.resolve(option: folder, environment: nil)
      #expect(again.kind == source.kind)
    }
  }

  @Test func aConvertedSetCanBeElsewhere() throws {
    try withFolder { folder in
      try write(10, to: "\(folder)/set/a")
      try FileManager.default.createDirectory(
        atPath: "\(folder)/other", withIntermediateDirectories: true)
      let converted = try DatasetSource.convert("\(folder)/set", to: "\(folder)/other") { _, _ in }
      for name in ["\(folder)/other", converted] {
        let source = try DatasetSource.resolve(option: name, environment: nil)
        #expect(source.kind == .converted(folder: converted))
        #expect(try source.load(.train).count == 9)
      }
      #expect(throws: DatasetError.noImageFolder(path: "\(folder)/other")) {
        try DatasetSource.convert("\(folder)/other", to: folder) { _, _ in }
      }
      let description = "\(converted)/\(ImageFolder.descriptionFile)"
      let text = try String(contentsOfFile: description, encoding: .utf8)
      try WholeFile.write(
        [Array(text.replacing("\"height\" : 8", with: "\"height\" : 0").utf8)], to: description)
      #expect {
        try DatasetSource.resolve(option: converted, environment: nil).load(.train)
      } throws: {
        if case .damagedDescription = $0 as? DatasetError { true } else { false }
      }
    }
  }

  @Test func unusableFoldersAreExplained() throws {
    try withFolder { folder in
      try write(10, to: "\(folder)/a")
      let source = try DatasetSource.resolve(option: folder, environment: nil)
      let path = "\(folder)/a/004.png"
      try WholeFile.write([picture(4, width: 8, height: 12).png], to: path)
      #expect(throws: DatasetError.otherSize(path: path, expected: "12×8", found: "8×12")) {
        try source.load(.train)
      }
      try WholeFile.write([Array("text".utf8)], to: path)
      #expect(
        throws: DatasetError.unreadableImage(path: path, reason: "it is neither PNG nor JPEG")
      ) { try source.load(.train) }
      try WholeFile.write([Array(picture(4).png.prefix(60))], to: path)
      #expect { try source.load(.train) } throws: {
        if case .unreadableImage(path, _) = $0 as? DatasetError { true } else { false }
      }
    }
    try withFolder { folder in
      try write(10, to: "\(folder)/a")
      let path = "\(folder)/a/photo.WebP"
      try WholeFile.write([Array("RIFF".utf8)], to: path)
      let source = try DatasetSource.resolve(option: folder, environment: nil)
      #expect(
        throws: DatasetError.unreadableImage(path: path, reason: "it is neither PNG nor JPEG")
      ) { try source.load(.train) }
    }
    try withFolder { folder in
      try write(3, to: "\(folder)/a")
      let source = try DatasetSource.resolve(option: folder, environment: nil)
      #expect(throws: DatasetError.noImages(path: folder, split: .test)) { try source.load(.test) }
    }
  }

  @Test func imagesSurviveAPNGFile() throws {
    try withFolder { folder in
      let image = picture(5)
      try WholeFile.write([image.png], to: "\(folder)/a.png")
      #expect(try PixelImage(contentsOf: "\(folder)/a.png") == image)
    }
  }

  /// Written by Pillow 13: left half (200, 40, 30), right half (20, 60, 220).
  private static let jpeg = """
    /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDg
    sLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU
    FBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAIABADAREAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABgf/xA
    AUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFgEBAQEAAAAAAAAAAAAAAAAACQcI/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/a
    AAwDAQACEQMRAD8AiSVNsA5PRnv/2Q==
    """

  @Test func aJPEGFileIsRead() throws {
    try withFolder { folder in
      let bytes = try #require(Data(base64Encoded: Self.jpeg.replacing("\n", with: "")))
      try WholeFile.write([Array(bytes)], to: "\(folder)/a.jpg")
      let image = try PixelImage(contentsOf: "\(folder)/a.jpg")
      #expect((image.width, image.height) == (16, 8))
      for (x, color) in [(2, [201, 40, 30]), (13, [20, 60, 220])] {
        let start = (3 * 16 + x) * 3
        #expect(zip(image.bytes[start..<start + 3], color).allSatisfy { abs(Int($0) - $1) <= 1 })
      }
      try WholeFile.write([Array(bytes.prefix(200))], to: "\(folder)/a.jpg")
      #expect(throws: DatasetError.self) { try PixelImage(contentsOf: "\(folder)/a.jpg") }
    }
  }

  /// The left half of the file is red and the right one blue; each orientation moves the halves as viewers
  /// show them.
  @Test(
    arguments: zip(1...8, ["left", "right", "right", "left", "top", "top", "bottom", "bottom"]))
  func aJPEGFileIsTurned(_ orientation: Int, _ red: String) throws {
    try withFolder { folder in
      let file = Array(try #require(Data(base64Encoded: Self.jpeg.replacing("\n", with: ""))))
      let path = "\(folder)/a.jpg"
      for isLittle in [false, true] {
        func digits(_ number: Int, _ size: Int) -> [UInt8] {
          let big = (0..<size).map { UInt8(number >> (8 * (size - 1 - $0)) & 255) }
          return isLittle ? big.reversed() : big
        }
        let tiff =
          Array((isLittle ? "II" : "MM").utf8) + digits(42, 2) + digits(8, 4) + digits(2, 2)
          + digits(256, 2) + digits(3, 2) + digits(1, 4) + digits(16, 2) + [0, 0]
          + digits(274, 2) + digits(3, 2) + digits(1, 4) + digits(orientation, 2) + [0, 0]
        let segment = Array("Exif\0\0".utf8) + tiff
        let length = segment.count + 2
        let marker: [UInt8] = [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)]
        try WholeFile.write(
          [Array(file.prefix(2)), marker, segment, Array(file.dropFirst(2))], to: path)
        let image = try PixelImage(contentsOf: path)
        #expect((image.width, image.height) == (orientation < 5 ? (16, 8) : (8, 16)))
        let places = [
          "left": (1, 4), "right": (image.width - 2, 4), "top": (4, 1),
          "bottom": (4, image.height - 2),
        ]
        for (name, (x, y)) in places where name == red {
          #expect(image.bytes[3 * (y * image.width + x)] > 190, "\(orientation)")
        }
      }
      // A directory that the file does not hold.
      let damaged: [UInt8] = [0xFF, 0xE1, 0, 16] + Array("Exif\0\0MM\0*".utf8) + [255, 0, 0, 0]
      try WholeFile.write([Array(file.prefix(2)), damaged, Array(file.dropFirst(2))], to: path)
      #expect(try PixelImage(contentsOf: path).width == 16)
    }
  }

  /// Written by Pillow 13: gray levels, and a transparent corner.
  @Test(arguments: [
    (
      "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgaGD4zw4ABAsBh4yjp/0AAAAASUVORK5CYII=",
      [0, 0, 0, 128, 128, 128, 255, 255, 255, 7, 7, 7] as [UInt8]
    ),
    (
      "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAYAAABytg0kAAAAE0lEQVR4nGPgEpH7zwADXCJyDAASUAF4cCmwMgAAAABJRU5ErkJggg==",
      [10, 20, 30] + [UInt8](repeating: 255, count: 9)
    ),
  ])
  func otherKindsOfPNGBecomeColors(file: String, bytes: [UInt8]) throws {
    try withFolder { folder in
      let data = try #require(Data(base64Encoded: file))
      try WholeFile.write([Array(data)], to: "\(folder)/a.png")
      #expect(try PixelImage(contentsOf: "\(folder)/a.png").bytes == bytes)
    }
  }

  /// Pillow 13's `resize((7, 5), BILINEAR)` of the same image, up to one level for its integer arithmetic.
  @Test func scalingIsPillows() {
    var bytes: [UInt8] = []
    for y in 0..<12 {
      for x in 0..<20 {
        for channel in 0..<3 { bytes.append(UInt8((x * 7 + y * 13 + channel * 50) % 256)) }
      }
    }
    let scaled = PixelImage(width: 20, height: 12, bytes: bytes).resized(width: 7, height: 5)
    let expected = [
      20, 70, 120, 39, 89, 139, 59, 109, 159, 79, 129, 179, 98, 148, 198, 118, 168, 217, 137, 187,
      217, 48, 98, 148, 67, 117, 167, 87, 137, 187, 107, 157, 207, 126, 176, 215, 146, 196, 164,
      165, 215, 74, 80, 130, 180, 99, 149, 199, 119, 169, 219, 139, 189, 214, 158, 208, 111, 178,
      222, 33, 197, 187, 41, 111, 161, 211, 130, 180, 217, 150, 200, 166, 170, 217, 71, 189, 199,
      38, 209, 108, 53, 219, 44, 72, 139, 189, 208, 158, 208, 102, 178, 223, 36, 198, 156, 42, 217,
      54, 61, 224, 32, 81, 108, 50, 100,
    ]
    #expect(scaled.bytes.count == expected.count)
    #expect(zip(scaled.bytes, expected).allSatisfy { abs(Int($0) - $1) <= 1 })
  }

  @Test func scalingKeepsTheMean() {
    let image = picture(3, width: 40, height: 20)
    let small = image.covering(width: 10, height: 10)
    #expect((small.width, small.height) == (10, 10))
    let even = PixelImage(width: 50, height: 30, bytes: [UInt8](repeating: 77, count: 4500))
    for (width, height) in [(7, 5), (50, 30), (64, 64), (1, 1)] {
      let scaled = even.covering(width: width, height: height)
      #expect(scaled.bytes == [UInt8](repeating: 77, count: width * height * 3))
    }
  }

  @Test func duplicatesAreFound() {
    let one = makeNumberedImages(10)
    #expect(one.duplicates().isEmpty)
    #expect(one.duplicates(of: one).count == 10)
    let many = makeNumberedImages(253)  // image 251 has the bytes of image 0
    #expect(many.duplicates().map(\.image) == [251, 252])
    #expect(many.duplicates().map(\.original) == [0, 1])
  }

  @Test func imagesOfClassesMakeASheet() {
    let images = makeNumberedImages(30)
    let rows = images.firstImages(ofEachClass: 2)
    #expect(rows.count == images.classCount && rows.allSatisfy { $0.count <= 2 })
    for (label, row) in rows.enumerated() {
      #expect(row.allSatisfy { Int(images.labels[$0]) == label })
    }
    let sheet = images.contactSheet([[1, 0], [2]], gap: 2)
    #expect((sheet.width, sheet.height) == (70, 70))
    func pixel(_ x: Int, _ y: Int) -> [UInt8] {
      Array(sheet.pixels[3 * (y * sheet.width + x)..<3 * (y * sheet.width + x) + 3])
    }
    let plane = images.format.pixelsPerChannel
    let second = Array(images.image(1))
    #expect(pixel(2, 2) == [second[0], second[plane], second[2 * plane]])
    #expect(pixel(0, 0) == [255, 255, 255] && pixel(40, 40) == [255, 255, 255])
  }
}
