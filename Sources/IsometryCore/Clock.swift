internal import Glibc

/// The time of the monotonic clock, in seconds.
package func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// The shortest time of some runs, in seconds.
package func leastSeconds(of runs: Int, _ run: () throws -> Void) rethrows -> Double {
  try (0..<runs).map { _ in
    let start = now()
    try run()
    return now() - start
  }.min() ?? .infinity
}
