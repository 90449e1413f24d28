import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometrySpectra
import IsometryTraining

/// Measures the spectrum of a run on a test image, with the variables that training has on the
/// device. It only reads them, so a run has the same bits with and without it.
final class SpectrumMonitor {
  private let study: SpectrumStudy
  private let jacobian: JacobianOperator

  /// More singular values than this are estimated by quadrature: a run should not wait for minutes.
  private static let largestDense = 1024

  init(
    _ run: TrainingRun, test: ImageDataset, backend: any Backend, until stop: StopRequest
  ) throws {
    study = try Self.makeStudy(run.configuration, test: test)
    jacobian = try study.makeOperator(on: backend, sharing: run.session)
    jacobian.beforeProduct = { if stop.isRequested { throw CancellationError() } }
  }

  /// The study of a run's network at a test image, from the default start to the features.
  static func makeStudy(
    _ configuration: RunConfiguration, test: ImageDataset
  ) throws -> SpectrumStudy {
    let network = try configuration.makeNetwork()
    var study = SpectrumStudy(
      network: network,
      section: JacobianSection(from: JacobianSection.defaultStart(for: network)),
      precision: configuration.precision == .tf32 ? .tf32 : .fp32,
      images: try InputArguments.heldOut(1, of: test, seed: configuration.seed))
    study.largestDense = largestDense
    study.lanczos.seed = configuration.seed
    return study
  }

  /// - Returns: nil if the run was stopped before the spectrum was complete.
  func measure() throws -> SpectrumReport? {
    do {
      return SpectrumReport(try study.run(with: jacobian))
    } catch is CancellationError {
      return nil
    }
  }
}
