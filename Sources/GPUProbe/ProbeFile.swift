import CIsometryKernels

package enum ProbeFile: String, CaseIterable {
  case ceilings = "probe/ceilings.cl"
  case hopper = "probe/hopper_nvidia.cl"
  case tensorCores = "probe/tensor_cores_nvidia.cl"

  /// The embedded text, under the file's path.
  package var source: String {
    guard let text = isometry_kernel_text(rawValue) else {
      preconditionFailure("kernels/\(rawValue) is not embedded")
    }
    return "#line 1 \"\(rawValue)\"\n" + String(cString: text)
  }
}
