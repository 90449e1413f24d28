import Foundation
import IsometryTraining

/// The learning times of deep plain networks, by the law of their weights, their activation, their place on
/// or off the critical line, the optimizer and the depth.
struct SigmoidResurrected: Experiment {
  enum Weights: String, Sendable, Codable, CaseIterable {
    case orthogonal, gaussian
  }

  enum Criticality: String, Sendable, Codable, CaseIterable {
    case critical
    case off = "off-critical"
  }

  enum Descent: String, Sendable, Codable, CaseIterable {
    case sgd, momentum, rmsprop, adam
  }

  /// A network and how it learns, apart from the learning rate and the seed.
  struct Setting: Sendable, Codable, Hashable {
    var activation: String
    var weights: Weights
    var criticality: Criticality
    var descent: Descent
    var depth: Int

    var words: String {
      "\(weights.rawValue) \(activation), \(criticality.rawValue), \(descent.rawValue), depth \(depth)"
    }
  }

  struct Cell: TrainingCell {
    let setting: Setting
    let rate: Double
    let seed: UInt64
    let configuration: RunConfiguration
    /// Steps between two evaluations.
    let interval: Int

    var name: String {
      "\(setting.weights.rawValue)-\(setting.activation)-\(setting.criticality.rawValue)-"
        + "\(setting.descent.rawValue)-depth\(setting.depth)-lr\(shortNumber(rate))-seed\(seed)"
    }
  }

  static let name = "sigmoid-resurrected"
  static let summary =
    "Steps to a fixed accuracy of deep plain networks, by weights, activation, optimizer and depth"
  static let paper =
    "Pennington, Schoenholz, Ganguli: Resurrecting the sigmoid in deep learning through dynamical "
    + "isometry (2017)"
  static let published = [
    "Networks at dynamical isometry learn orders of magnitude faster than those that are not. Sigmoidal "
      + "networks can reach it with orthogonal weights, ReLU networks cannot (abstract).",
    "From memory, not read again: CIFAR-10, depth 200, width 400, SGD, momentum, RMSProp and Adam. "
      + "The time to 25 % test accuracy of orthogonal tanh networks grows like the square root of the "
      + "depth at the best learning rate.",
    "Its learning rates and times are not known here.",
  ]

  let plan: Plan

  /// The test accuracy that counts as learned. That of the paper is reached by small networks within a
  /// few steps, too few to show how the number grows.
  private var goal: Double { plan.scale.pick(smoke: 0.25, small: 0.35, paper: 0.25) }
  private static let activations = ["tanh", "hard-tanh", "unit-erf", "relu"]
  private var depth: Int { plan.scale.pick(smoke: 20, small: 50, paper: 200) }
  private var depths: [Int] {
    plan.scale.pick(smoke: [10, 20, 40], small: [12, 25, 50, 100], paper: [50, 100, 200, 400])
  }
  private var width: Int { plan.scale.pick(smoke: 32, small: 64, paper: 400) }
  private var seeds: [UInt64] { plan.seeds(smoke: 1, small: 2, paper: 3) }
  private var interval: Int { plan.scale.pick(smoke: 5, small: 5, paper: 10) }
  private var budget: TrainingBudget {
    plan.scale.pick(
      smoke: TrainingBudget(trainImages: 1280, testImages: 250, batch: 64, epochs: 2),
      small: TrainingBudget(trainImages: 12_800, testImages: 500, batch: 64, epochs: 2),
      paper: TrainingBudget(trainImages: nil, testImages: 2000, batch: 128, epochs: 10))
  }

  private func rates(_ descent: Descent) -> [Double] {
    switch descent {
    case .sgd:
      plan.scale.pick(
        smoke: [0.03], small: [0.003, 0.01, 0.03, 0.1], paper: [0.001, 0.003, 0.01, 0.03, 0.1])
    case .momentum:
      plan.scale.pick(
        smoke: [0.003], small: [1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03],
        paper: [1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03])
    case .rmsprop, .adam:
      plan.scale.pick(
        smoke: [3e-4], small: [1e-5, 3e-5, 1e-4, 3e-4, 0.001],
        paper: [1e-5, 3e-5, 1e-4, 3e-4, 0.001])
    }
  }

  var procedure: [String] {
    [
      "Plain fully connected networks of width \(width) and depth \(depth) without normalization; "
        + "orthogonal and Gaussian weights; tanh, hard tanh, erf(√π·x/2) and ReLU.",
      "Critical: hidden layers of sigmoidal networks at q* = 1/64 on the critical line, those of ReLU "
        + "networks at σ_w² = 2 without bias. The first layer gives pre-activations the variance q*, 1 for "
        + "ReLU. Off: sigmoidal networks at σ_w² = 2, ReLU at σ_w² = 1, without bias. Heads have σ_w² = 1, "
        + "in Gaussian sigmoidal networks off the line 2.",
      "All of them with momentum 0.9; orthogonal tanh and Gaussian ReLU, both critical, also with SGD, "
        + "RMSProp and Adam; orthogonal tanh at depths "
        + depths.map(String.init).joined(separator: ", ") + ".",
      "The best of the learning rates "
        + Descent.allCases.map {
          "\(rates($0).map(shortNumber).joined(separator: ", ")) (\($0.rawValue))"
        }.joined(separator: "; ")
        + ", constant; \(budget.words), \(seedWords(seeds)); the test "
        + "accuracy is measured every \(interval) steps, and a training ends once it is "
        + "\(Int((100 * goal).rounded())) %.",
    ]
  }

  private var settings: [Setting] {
    var settings: [Setting] = []
    func add(_ setting: Setting) { if !settings.contains(setting) { settings.append(setting) } }
    for criticality in Criticality.allCases {
      for weights in Weights.allCases {
        for activation in Self.activations {
          add(setting(activation, weights, criticality))
        }
      }
    }
    for descent in Descent.allCases {
      for var network in [setting("tanh", .orthogonal), setting("relu", .gaussian)] {
        network.descent = descent
        add(network)
      }
    }
    for depth in depths { add(LearningTimes.scalingSetting(depth)) }
    return settings
  }

  var cells: [Cell] {
    settings.flatMap { setting in
      rates(setting.descent).flatMap { rate in
        seeds.map { seed in
          Cell(
            setting: setting, rate: rate, seed: seed,
            configuration: configuration(setting, rate, seed), interval: interval)
        }
      }
    }
  }

  private func configuration(
    _ setting: Setting, _ rate: Double, _ seed: UInt64
  ) -> RunConfiguration {
    let isReLU = setting.activation == "relu"
    let initializer =
      switch (setting.criticality, setting.weights, isReLU) {
      case (.critical, let weights, _):
        "critical:q=\(isReLU ? "1" : "0.015625"),weights=\(weights.rawValue)"
      case (.off, .orthogonal, false): "orthogonal:gain=\(Double(2).squareRoot())"
      case (.off, .gaussian, false): "he"
      case (.off, .orthogonal, true): "orthogonal:gain=1"
      case (.off, .gaussian, true): "lecun"
      }
    var configuration = RunConfiguration.bare(
      model: "mlp:\(setting.depth)x\(width)", initializer: initializer,
      activation: setting.activation, rate: rate, seed: seed)
    switch setting.descent {
    case .sgd: break
    case .momentum: configuration.momentum = 0.9
    case .rmsprop: configuration.optimizer = .rmsprop
    case .adam: configuration.optimizer = .adam
    }
    configuration.limit(to: budget)
    return configuration
  }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> LearningCurve {
    try laboratory.train(
      cell.configuration, watching: TrainingWatch(interval: cell.interval, goal: goal))
  }

  func conclude(_ results: [CellResult<Cell, LearningCurve>]) -> Conclusion {
    let times = LearningTimes(results, goal: goal)
    let sigmoidal = Self.activations.filter { $0 != "relu" }
    return Conclusion(
      tables: [times.table], plots: [times.depthPlot(depths: depths)].compactMap { $0 },
      claims: [
        comparison(
          "Sigmoidal networks with orthogonal weights near criticality learn faster than ReLU networks",
          sigmoidal.flatMap { activation in
            Weights.allCases.map { (setting(activation, .orthogonal), setting("relu", $0)) }
          }, times),
        comparison(
          "Near criticality, sigmoidal networks learn faster with orthogonal than with Gaussian weights",
          sigmoidal.map { (setting($0, .orthogonal), setting($0, .gaussian)) }, times),
        comparison(
          "Orthogonal sigmoidal networks learn faster on the critical line than off it",
          sigmoidal.map { (setting($0, .orthogonal), setting($0, .orthogonal, .off)) }, times),
        times.scaling(depths: depths),
      ])
  }
}

extension SigmoidResurrected {
  private func setting(
    _ activation: String, _ weights: Weights, _ criticality: Criticality = .critical
  ) -> Setting {
    Setting(
      activation: activation, weights: weights, criticality: criticality, descent: .momentum,
      depth: depth)
  }

  private func comparison(
    _ statement: String, _ pairs: [(fast: Setting, slow: Setting)], _ times: LearningTimes
  ) -> Claim {
    let verdicts = pairs.map { times.isFaster($0.fast, than: $0.slow) }
    let settings = pairs.flatMap { [$0.fast, $0.slow] }.grouped { $0 }.map(\.key)
    return Claim(
      statement, rule: LearningTimes.comparisonRule + ". Of several comparisons all must hold",
      evidence: settings.map { "\($0.words): \(times.words(for: $0))" }.joined(separator: "; "),
      verdict: .all(verdicts))
  }
}
