/// Whether this build of the package has the OpenCL backend.
///
/// With the package trait `OpenCL` off, this is all that the module holds.
public enum OpenCLBackendBuild {
  #if OpenCL
    /// Whether the package was built with the trait OpenCL.
    public static let isAvailable = true
  #else
    /// Whether the package was built with the trait OpenCL.
    public static let isAvailable = false
  #endif

  /// One line for people who ask for an OpenCL device in a build that has none.
  public static let absence =
    "OpenCL is not in this build: build the package with its default traits to use OpenCL devices"
}
