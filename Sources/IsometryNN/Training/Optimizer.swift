public import IsometryCore
public import IsometryGraph

/// The part of a training step that changes the parameters.
///
/// `StandardOptimizer` is the built-in one. Another optimizer is a type that conforms to this protocol
/// and writes its rule with the functions of `Graph`. All requirements except `append` have defaults.
/// The training graph computes the gradients, clips them and removes the loss scale.
public protocol Optimizer: Sendable {
  /// The weight decay λ of the parameters that decay. The default is 0.
  var weightDecay: Double { get }
  /// Whether only weights decay: biases, normalizations' scales and shifts, and branch multipliers
  /// keep their size. The default is false, as in PyTorch's optimizers.
  var decaysOnlyWeights: Bool { get }
  /// The learning rate of parameters that are one number for a whole tensor, as a share of the others'.
  /// The default is 1.
  var scalarLearningRate: Double { get }
  /// Gradients longer than this, all parameters together, are scaled down to it; nil for no clipping,
  /// which is the default.
  var maximumGradientNorm: Double? { get }
  /// Whether `append` takes a gradient scale, as `Update` does. A scale of 0 must leave parameters and
  /// state as they are, whatever the gradients hold; fp16 requires it. The default is false: gradients
  /// are then scaled before `append`, and the network cannot train in fp16.
  var appliesGradientScale: Bool { get }

  /// Whether `append` may be called several times, each time with some of the parameters, because no state belongs
  /// to several of them. With several ranks, each update then waits for its own gradients alone. The default is false.
  var updatesParametersApart: Bool { get }

  /// Appends the changes of parameters and of the optimizer's state. The training graph calls it once for
  /// each schedule, with the parameters that follow it; several times if the optimizer `updatesParametersApart`.
  ///
  /// State is a variable of the graph, zero before the first step, such as
  /// `graph.variable("\(parameter.name).momentum", …)`. `Graph.assign` changes it. Checkpoints keep it
  /// under its name. A name must not be that of another variable.
  ///
  /// - Parameters:
  ///   - parameters: with their gradients, of the same types.
  ///   - schedule: fp32 [2], learning rate and step number from 1. `Graph.learningRate(of:as:)` and
  ///     `Graph.stepNumber(of:as:)` read it.
  ///   - gradientScale: [1], the factor of the gradients; nil for 1, and always nil unless
  ///     `appliesGradientScale`.
  func append(
    to graph: inout Graph, parameters: [TrainedParameter], schedule: Value, gradientScale: Value?)
}

extension Optimizer {
  public var weightDecay: Double { 0 }
  public var decaysOnlyWeights: Bool { false }
  public var scalarLearningRate: Double { 1 }
  public var maximumGradientNorm: Double? { nil }
  public var appliesGradientScale: Bool { false }
  public var updatesParametersApart: Bool { false }
}

/// A parameter of a training graph, as an optimizer changes it.
public struct TrainedParameter: Sendable {
  /// Its record in the network's layout.
  public let parameter: Parameter
  /// The variable, of the accumulator's type.
  public let variable: Value
  /// The gradient of the loss, of the variable's type.
  public let gradient: Value
  /// Whether it is the weight of the last layer.
  public let isHead: Bool
  /// λ of this parameter: its group's or the optimizer's, or 0 if only weights decay.
  public let weightDecay: Double
  /// The factor of the schedule's learning rate.
  public let learningRateScale: Double
  /// The momentum of its group; nil for the optimizer's.
  public let momentum: Double?
}

extension Graph {
  /// The learning rate of a training step, [1].
  ///
  /// - Parameters:
  ///   - schedule: fp32 [2], as `Optimizer.append` gets it.
  ///   - dtype: of the result, that of the parameters.
  public mutating func learningRate(of schedule: Value, as dtype: DType) -> Value {
    cast(element(0, of: schedule), to: dtype)
  }

  /// The number of a training step from 1, [1]. Arguments as in `learningRate(of:as:)`.
  public mutating func stepNumber(of schedule: Value, as dtype: DType) -> Value {
    cast(element(1, of: schedule), to: dtype)
  }

  /// One of two elements: the dot product with a vector that is 1 there and 0 elsewhere.
  private mutating func element(_ index: Int, of pair: Value) -> Value {
    let dtype = type(of: pair).dtype
    // A window of one pixel and a stride of two reach the first pixel only.
    let pooling = Pooling(.average, window: .init(1), stride: .init(2))
    let one = append(.fill(1, TensorType([1, 1, 1, 1], dtype)))[0]
    let image = appendOne(.averagePoolGradient(pooling, inputShape: [1, 1, 1, 2]), one)
    let first = reshape(image, to: [2])
    let ones = append(.fill(1, TensorType([2], dtype)))[0]
    return dot(pair, index == 0 ? first : subtract(ones, first))
  }
}
