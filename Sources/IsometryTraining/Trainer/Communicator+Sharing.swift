import Foundation
package import IsometryCommunication
import IsometryFiles

extension Communicator {
  /// The value of rank 0, on all ranks.
  package func share<Value: Codable>(_ value: Value) throws -> Value {
    guard size > 1 else { return value }
    var bytes = rank == 0 ? Array(try JSONEncoder().encode(value)) : []
    var count = UInt64(bytes.count)
    withUnsafeMutableBytes(of: &count) { broadcast($0) }
    bytes += [UInt8](repeating: 0, count: Int(count) - bytes.count)
    bytes.withUnsafeMutableBytes { broadcast($0) }
    return try JSONDecoder().decode(Value.self, from: Data(bytes))
  }
}
