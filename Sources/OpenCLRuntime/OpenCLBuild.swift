/// Whether this build of the package speaks OpenCL.
///
/// With the package trait `OpenCL` off, this is all that the module holds: no OpenCL header or
/// library is needed to build.
public enum OpenCLBuild {
  #if OpenCL
    /// True where the package was built with the trait `OpenCL`, which is on by default.
    public static let hasOpenCL = true
  #else
    /// True where the package was built with the trait `OpenCL`, which is on by default.
    public static let hasOpenCL = false
  #endif

  /// One line for people who ask for an OpenCL device in a build that has none.
  public static let absence =
    "OpenCL is not in this build: build the package with its default traits to use OpenCL devices"
}
