/// What an initializer's weights are as random matrices, which decides what law a network's singular
/// values follow.
public enum WeightEnsemble: Sendable, Hashable {
  /// Independent entries of mean 0: the laws ask for nothing but their variance.
  case independent
  /// Haar orthogonal matrices times gains: of convolutions the whole weight, flattened, or a center tap
  /// beside zeros.
  case orthogonal
  /// Mirrored halves, independent of each other, which make a ReLU network a linear map; Haar
  /// orthogonal or with independent entries.
  case mirrored(isOrthogonal: Bool)
  /// Chosen together, so that the network from the image to the features is an isometry on the pixels
  /// that its strides read.
  case isometry
  /// The same on every pixel: strides put the pixels of a window into channels, as many as fit.
  case losslessIsometry
  /// None of these.
  case other
}
