public import IsometryNN

/// The names of PyTorch code for the parameters and statistics of this package's networks.
///
/// The residual networks of four stages have the names of torchvision's and timm's ResNet: `conv1`, `bn1`,
/// `layer1.0.conv1`, `layer2.0.downsample.0`, `fc`. Those of three stages have the names of the
/// networks for CIFAR-10 that are usual in PyTorch: `layer2.0.shortcut.0` and `linear`. Other models
/// have the same names in PyTorch as here.
///
/// - Source: torchvision.models.resnet; timm.models.resnet; Idelbayev, "Proper ResNet implementation
///   for CIFAR10/CIFAR100 in PyTorch" (akamaster/pytorch_resnet_cifar10), option B.
public struct TorchNames: Sendable {
  /// The number of blocks of each stage; none for a model with equal names.
  private let depths: [Int]
  private var skip: String { depths.count == 3 ? "shortcut" : "downsample" }
  private var head: String { depths.count == 3 ? "linear" : "fc" }

  /// The names of a model.
  public init(_ model: ModelSpecification) {
    if case .residual(let residual) = model { depths = residual.depths } else { depths = [] }
  }

  /// PyTorch's name for a variable of the network.
  public func name(of variable: String) -> String {
    var parts = variable.split(separator: ".").map(String.init)
    guard !depths.isEmpty, parts.count > 1 else { return variable }
    switch parts[0] {
    case "stem": parts[0] = "conv1"
    case "norm": parts[0] = "bn1"
    case "head": parts[0] = head
    case "body":
      guard parts.count > 2, var index = Int(parts[1]) else { return variable }
      var stage = 0
      while stage < depths.count - 1, index >= depths[stage] {
        index -= depths[stage]
        stage += 1
      }
      parts[0...1] = ["layer\(stage + 1)", "\(index)"]
      if parts[2] == "skip" { parts[2] = skip }
    default: break
    }
    return parts.joined(separator: ".")
  }

  /// The network's name for a variable of PyTorch code. It takes the names of all sources above, and those
  /// of `DataParallel`, which begin with `module.`. Other names stay.
  public func variable(of name: String) -> String {
    var parts = name.split(separator: ".").map(String.init)
    if parts.first == "module" { parts.removeFirst() }
    guard !depths.isEmpty, parts.count > 1 else { return parts.joined(separator: ".") }
    switch parts[0] {
    case "conv1": parts[0] = "stem"
    case "bn1": parts[0] = "norm"
    case "fc", "linear", "classifier": parts[0] = "head"
    case let stage where stage.hasPrefix("layer"):
      guard let stage = Int(stage.dropFirst(5)), depths.indices.contains(stage - 1),
        let index = Int(parts[1]), (0..<depths[stage - 1]).contains(index), parts.count > 2
      else { break }
      parts[0...1] = ["body", "\(depths[..<(stage - 1)].reduce(index, +))"]
      if ["downsample", "shortcut"].contains(parts[2]) { parts[2] = "skip" }
    default: break
    }
    return parts.joined(separator: ".")
  }
}
