#if OpenCL
  /// Who computes matrix products.
  public enum GemmProvider: String, Sendable, CaseIterable {
    /// The package's own kernels.
    case own
    /// CLBlast, for products in fp32 and fp64; the others stay with the package.
    case clblast
  }

  /// What the surroundings decide about an OpenCL backend. The environment is read at the program's
  /// edge and handed in here.
  public struct OpenCLOptions: Sendable {
    /// Where compiled programs are kept between runs; nil keeps none.
    public var cacheDirectory: String?
    /// A folder laid out like kernels/ that is read instead of the embedded text; nil for that text.
    public var kernelDirectory: String?
    /// Who computes matrix products.
    public var gemmProvider: GemmProvider

    /// Without arguments: no cache, the embedded kernels alone.
    public init(
      cacheDirectory: String? = nil, kernelDirectory: String? = nil,
      gemmProvider: GemmProvider = .own
    ) {
      self.cacheDirectory = cacheDirectory
      self.kernelDirectory = kernelDirectory
      self.gemmProvider = gemmProvider
    }
  }
#endif
