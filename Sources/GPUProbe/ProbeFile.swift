internal import CProbeKernels

/// A file under kernels/probe/.
package enum ProbeFile: String, CaseIterable {
  case ceilings = "ceilings.cl"
  case hopper = "hopper_nvidia.cl"
  case tensorCores = "tensor_cores_nvidia.cl"

  /// The embedded text, after a line with the file's name for build logs.
  package var source: String {
    let text =
      switch self {
      case .ceilings: probe_kernels_ceilings()
      case .hopper: probe_kernels_hopper()
      case .tensorCores: probe_kernels_tensor_cores()
      }
    return "#line 1 \"probe/\(rawValue)\"\n" + String(cString: text)
  }
}
