import IsometryCore
public import IsometryFiles

extension Safetensors {
  /// Writes the file whole or not at all, and replaces an existing one.
  ///
  /// - Precondition: no tensor is called `__metadata__`.
  /// - Throws: `FileError` if the system refuses.
  public func write(to path: String) throws(FileError) {
    precondition(tensors[Self.metadataKey] == nil, "\(Self.metadataKey) names no tensor")
    // The widest types first, so that every element is aligned; then by name, so that the same
    // tensors give the same bytes.
    let ordered = tensors.sorted {
      ($1.value.dtype.byteCount, $0.key) < ($0.value.dtype.byteCount, $1.key)
    }
    var entries: [JSONValue.Member] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
      entries.append(
        .init(Self.metadataKey, .object(pairs.map { .init($0.key, .text($0.value)) })))
    }
    var offset = 0
    for (name, tensor) in ordered {
      let end = offset + tensor.type.byteCount
      entries.append(
        .init(
          name,
          [
            "dtype": .text(Self.typeName(tensor.dtype)),
            "shape": .array(tensor.shape.dimensions.map { .integer($0) }),
            "data_offsets": .array([.integer(offset), .integer(end)]),
          ]))
      offset = end
    }
    var header = Array(JSONValue.object(entries).line.utf8)
    while (8 + header.count) % Self.alignment != 0 { header.append(UInt8(ascii: " ")) }
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { [UInt8]($0) }
    try WholeFile.write([length, header] + ordered.map(\.value.bytes), to: path)
  }
}
