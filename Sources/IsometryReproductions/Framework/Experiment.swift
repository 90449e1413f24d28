package import IsometryFiles

/// The extent of an experiment.
package enum Scale: String, Sendable, Codable, CaseIterable {
  /// Shows that everything works, in about a minute on two processors; decides little.
  case smoke
  /// About an hour on two processors.
  case small
  /// Some hours on two processors, for the experiments that need them to decide their claims.
  case medium
  /// The sizes of the papers, for a GPU.
  case paper

  /// - Precondition: `medium` is there if this is medium; see `Experiment.scales`.
  func pick<Value>(smoke: Value, small: Value, medium: Value? = nil, paper: Value) -> Value {
    switch self {
    case .smoke: return smoke
    case .small: return small
    case .medium:
      guard let medium else { preconditionFailure("the experiment has no scale medium") }
      return medium
    case .paper: return paper
    }
  }
}

/// The choices about an experiment.
package struct Plan: Sendable, Equatable {
  package let scale: Scale
  /// The number of runs of each cell with other random numbers; nil for as many as the scale has.
  package let seeds: Int?

  package init(_ scale: Scale, seeds: Int? = nil) {
    self.scale = scale
    self.seeds = seeds
  }

  /// The seeds of a grid: 1, 2, … up to the plan's number, or to the scale's by default.
  func seeds(smoke: Int, small: Int, medium: Int? = nil, paper: Int) -> [UInt64] {
    let count = seeds ?? scale.pick(smoke: smoke, small: small, medium: medium, paper: paper)
    return (1...UInt64(max(1, count))).map { $0 }
  }
}

/// An experiment of a paper at a size that a machine can do: a grid of cells, which are measured one by
/// one, and the claims of the paper, which the results decide.
///
/// An experiment is one file and one line in `ExperimentRegistry`.
package protocol Experiment: Sendable {
  /// Everything that decides what one measurement gives, apart from the images and the device.
  associatedtype Cell: ExperimentCell
  associatedtype Outcome: ExperimentOutcome

  /// The name in configurations and messages.
  static var name: String { get }
  static var summary: String { get }
  /// Authors, title, year.
  static var paper: String { get }
  /// The paper's findings, as far as they are known; unknown ones are named.
  static var published: [String] { get }
  /// Whether the cells use the laboratory's images; true by default.
  static var usesImages: Bool { get }
  /// The extents that it has; by default all but medium.
  static var scales: [Scale] { get }

  init(plan: Plan)

  /// The procedure, for people: networks, training, numbers of images.
  var procedure: [String] { get }
  /// The cells that do not depend on results, in the order in which they are measured.
  var cells: [Cell] { get }
  /// The number of all cells, those that depend on results too; by default that of `cells`.
  var cellCount: Int { get }
  /// All cells that are known after some results: `cells` first, which is the default. More results
  /// only add cells.
  func cells(after results: [CellResult<Cell, Outcome>]) -> [Cell]

  /// Measures one cell. What it gives depends on the cell, the images and the device alone.
  ///
  /// - Throws: `ReproductionStopped` if the laboratory must stop.
  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> Outcome

  /// Tables, plots and claims from the cells that are finished, which may be any of them.
  func conclude(_ results: [CellResult<Cell, Outcome>]) -> Conclusion
}

extension Experiment {
  /// A finished cell.
  typealias Measured = CellResult<Cell, Outcome>

  package static var usesImages: Bool { true }
  package static var scales: [Scale] { Scale.allCases.filter { $0 != .medium } }

  /// Throws for an extent that the experiment does not have.
  package static func requireScale(_ scale: Scale) throws(ReproductionError) {
    guard scales.contains(scale) else {
      throw ReproductionError.missingScale(scale, of: name, known: scales)
    }
  }

  package var cellCount: Int { cells.count }
  package func cells(after results: [CellResult<Cell, Outcome>]) -> [Cell] { cells }
}

/// One point of an experiment's grid.
package protocol ExperimentCell: Codable, Sendable, Equatable {
  /// Letters, digits, points and dashes that no other cell of the experiment has: the name of its file.
  var name: String { get }
}

/// The result of a cell's measurement.
package protocol ExperimentOutcome: Codable, Sendable {
  /// A few words for the line of progress.
  var remark: String { get }
  /// Whether a training ended with a loss that is not a number, which is a result like any other.
  var isDivergence: Bool { get }
}

package struct CellResult<Cell: ExperimentCell, Outcome: ExperimentOutcome>: Codable, Sendable {
  package let cell: Cell
  package let outcome: Outcome
  /// Seconds of the measurement; of a resumed training, since it last continued.
  package let seconds: Double
  package let origin: MeasurementOrigin
}

/// The machine and program that measured a cell, and the time.
package struct MeasurementOrigin: Codable, Sendable, Equatable {
  /// "isometry 0.1.0, commit 0123456789ab"
  package let program: String
  package let machine: String
  /// The backend's name and description.
  package let device: String
  /// The time at which it was finished, in UTC as ISO 8601 writes it.
  package let date: String
}

package struct Conclusion: Sendable {
  package let tables: [Table]
  /// By the name of the file, without the ending.
  package let plots: [(name: String, plot: Plot)]
  package let claims: [Claim]
}
