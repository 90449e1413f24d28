internal import SwiftProtobuf

/// The settings of a run and the metrics that they are compared by, for TensorBoard's table of runs.
package struct Hyperparameters: Sendable {
  package enum Setting: Sendable, Equatable {
    case number(Double)
    case flag(Bool)
    case text(String)
  }

  private let settings: [String: Setting]
  private let metrics: [String]

  /// - Parameter metrics: tags of scalars.
  package init(_ settings: [String: Setting], metrics: [String]) {
    self.settings = settings
    self.metrics = metrics
  }

  /// The summaries of a run that begins now.
  package var start: [Summary] {
    var experiment = WireHyperparametersData()
    experiment.experiment.hparamInfos = settings.sorted { $0.key < $1.key }.map { name, setting in
      .with {
        $0.name = name
        $0.type = setting.type
      }
    }
    experiment.experiment.metricInfos = metrics.map { tag in .with { $0.name.tag = tag } }
    var session = WireHyperparametersData()
    session.sessionStartInfo.hparams = settings.mapValues(\.message)
    session.sessionStartInfo.startTimeSecs = EventFile.time
    return [
      .hyperparameters("experiment", experiment), .hyperparameters("session_start_info", session),
    ]
  }

  /// The summary of a run that ends now.
  package static func end(isSuccess: Bool) -> Summary {
    var session = WireHyperparametersData()
    session.sessionEndInfo.status = isSuccess ? .success : .failure
    session.sessionEndInfo.endTimeSecs = EventFile.time
    return .hyperparameters("session_end_info", session)
  }
}

extension Hyperparameters.Setting {
  fileprivate var type: WireHyperparameterExperiment.DataType {
    switch self {
    case .number: .float64
    case .flag: .bool
    case .text: .string
    }
  }

  fileprivate var message: Google_Protobuf_Value {
    switch self {
    case .number(let number): Google_Protobuf_Value(numberValue: number)
    case .flag(let flag): Google_Protobuf_Value(boolValue: flag)
    case .text(let text): Google_Protobuf_Value(stringValue: text)
    }
  }
}
