/// The random-matrix ensemble of an initializer's weights. It determines the law of a network's
/// singular values.
public enum WeightEnsemble: Sendable, Hashable {
  /// Independent entries of mean 0. The laws depend only on their variance.
  case independent
  /// Haar orthogonal matrices times gains. For convolutions the matrix is the whole flattened weight,
  /// or the center tap with zeros elsewhere.
  case orthogonal
  /// Independent mirrored halves that make a ReLU network a linear map. They are Haar orthogonal or
  /// have independent entries.
  case mirrored(isOrthogonal: Bool)
  /// Weights chosen together, so that the network from the image to the features is an isometry on the
  /// pixels that its strides read.
  case isometry
  /// Like `isometry`, on every pixel. Strides move the pixels of a window into channels, as far as they
  /// fit.
  case losslessIsometry
  /// Any other ensemble.
  case other
}
