/// What is said where this build of the package speaks no OpenCL.
///
/// With the package trait `OpenCL` off, this is all that the module holds: no OpenCL header or
/// library is needed to build.
public enum OpenCLBuild {
  /// One line for people who ask for an OpenCL device in a build that has none.
  public static let absence =
    "OpenCL is not in this build: build the package with its default traits to use OpenCL devices"
}
