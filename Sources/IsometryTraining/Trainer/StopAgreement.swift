import IsometryCommunication

/// What all ranks do at the same step: they end, or save the run, if one of them wants to.
final class StopAgreement {
  private let stop: StopRequest
  private let agreement: Agreement

  init(_ stop: StopRequest, of ranks: any Communicator) {
    self.stop = stop
    agreement = Agreement(on: 2, of: ranks)
  }

  /// Waits for all ranks. If one ends, the request of this one is made too, for the same reason.
  func reach(isSaveDue: Bool = false) -> (isStopping: Bool, isSaving: Bool) {
    let agreed = agreement.reach { numbers in
      numbers[0] = Int64(stop.reason)
      numbers[1] = isSaveDue ? 1 : 0
    }
    if agreed[0] != 0, agreed[0] != stop.reason { stop.request(because: Int32(agreed[0])) }
    return (agreed[0] != 0, agreed[1] != 0)
  }
}

extension StopRequest {
  private static let timeIsOver: Int32 = .max

  /// 0 for no request, the number of a signal, or `timeIsOver`.
  fileprivate var reason: Int32 {
    requestingSignal ?? (isRequested ? Self.timeIsOver : 0)
  }

  fileprivate func request(because reason: Int32) {
    if reason == Self.timeIsOver { request(after: .zero) } else { request(bySignal: reason) }
  }
}
