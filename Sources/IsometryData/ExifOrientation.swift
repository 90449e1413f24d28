/// The way in which a camera was held, as a JPEG file states it: which side of the stored image is up.
///
/// - Source: CIPA DC-008, "Exchangeable image file format for digital still cameras: Exif", tag 274.
enum ExifOrientation: Int {
  case upright = 1
  case mirrored, upsideDown, upsideDownMirrored
  case transposed, turnedLeft, transverse, turnedRight

  /// Whether the rows of the image are columns of the file.
  var swapsAxes: Bool { rawValue >= 5 }
  /// Whether the columns of the file are in reverse order.
  var mirrorsColumns: Bool { [.mirrored, .upsideDown, .transverse, .turnedRight].contains(self) }
  /// Whether the rows of the file are in reverse order.
  var mirrorsRows: Bool {
    [.upsideDown, .upsideDownMirrored, .turnedLeft, .transverse].contains(self)
  }

  /// The orientation in a file; upright if it states none that is known.
  init(ofJPEG file: [UInt8]) {
    self = Self.tag(in: file).flatMap(Self.init(rawValue:)) ?? .upright
  }

  private static let metadataMarker = 0xE1
  private static let imageMarker = 0xDA
  private static let metadataName = Array("Exif\0\0".utf8)
  private static let orientationTag = 274

  private static func tag(in file: [UInt8]) -> Int? {
    var place = 2  // behind the mark of the file
    while place + 4 <= file.count, file[place] == 0xFF {
      let (marker, length) = (
        Int(file[place + 1]), Int(file[place + 2]) << 8 | Int(file[place + 3])
      )
      let segment = file[place + 4..<max(place + 4, min(file.count, place + 2 + length))]
      if marker == imageMarker { return nil }
      if marker == metadataMarker, segment.starts(with: metadataName) {
        return tag(inTIFF: Array(segment.dropFirst(metadataName.count)))
      }
      place += 2 + length
    }
    return nil
  }

  /// Reads the first directory of a TIFF structure: entries of 12 bytes.
  private static func tag(inTIFF bytes: [UInt8]) -> Int? {
    let isLittle = bytes.starts(with: Array("II".utf8))
    func number(_ place: Int, _ size: Int) -> Int? {
      guard place >= 0, place + size <= bytes.count else { return nil }
      let digits = bytes[place..<place + size]
      return (isLittle ? Array(digits.reversed()) : Array(digits))
        .reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(4, 4), let count = number(directory, 2) else { return nil }
    for index in 0..<count {
      let entry = directory + 2 + 12 * index
      guard let name = number(entry, 2) else { return nil }
      if name == orientationTag { return number(entry + 8, 2) }
    }
    return nil
  }
}
