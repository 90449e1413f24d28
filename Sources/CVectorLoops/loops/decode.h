// Decoding and augmentation of one image, and mixtures of two. Included once for each instruction set.

/// Block `index` of a stream: the same words as IsometryCore's `RandomStream.block`.
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
INLINE void philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t counter[4]) {
  counter[0] = (uint32_t)index;
  counter[1] = (uint32_t)(index >> 32);
  counter[2] = (uint32_t)stream;
  counter[3] = (uint32_t)(stream >> 32);
  uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t product0 = (uint64_t)0xD2511F53u * counter[0];
    uint64_t product1 = (uint64_t)0xCD9E8D57u * counter[2];
    uint32_t next0 = (uint32_t)(product1 >> 32) ^ counter[1] ^ key0;
    uint32_t next2 = (uint32_t)(product0 >> 32) ^ counter[3] ^ key1;
    counter[0] = next0;
    counter[1] = (uint32_t)product1;
    counter[2] = next2;
    counter[3] = (uint32_t)product0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

INLINE int32_t scaled(uint64_t word, uint64_t extent, int bits) {
  return (int32_t)((word * extent) >> bits);
}

/// The row or column of the image that a position shows; -1 for zeros.
INLINE int32_t shown(int32_t position, int32_t extent, int32_t reflects) {
  if (position >= 0 && position < extent) return position;
  if (!reflects) return -1;
  return position < 0 ? -position : 2 * (extent - 1) - position;
}

void VL(decode)(vl_type type, const vl_decoding *d, const float *levels, uint64_t sample,
                const int32_t *origin, const uint8_t *image, void *out) {
  const int32_t height = d->height, width = d->width;
  int32_t down = d->down, right = d->right, flip = d->mirrored;
  int32_t top = 0, left = 0, bottom = 0, end = 0;
  if (d->augmented) {
    uint32_t word[4];
    philox(d->seed, d->stream, sample, word);
    const uint64_t range = 2 * (uint64_t)d->crop_padding + 1;
    down = scaled(word[0], range, 32) - d->crop_padding;
    right = scaled(word[1], range, 32) - d->crop_padding;
    flip = d->flips && (word[2] & 1);
    if (origin) {
      uint32_t mirror[4];
      philox(d->seed, d->stream + 1, (uint32_t)origin[0], mirror);
      flip = (mirror[0] ^ (uint32_t)origin[1]) & 1;
    }
    if (d->cutout > 0) {
      top = scaled(word[3] >> 16, (uint64_t)height, 16) - d->cutout / 2;
      left = scaled(word[3] & 0xFFFF, (uint64_t)width, 16) - d->cutout / 2;
      bottom = top + d->cutout;
      end = left + d->cutout;
    }
  }
  for (int32_t c = 0; c < d->channels; c++) {
    for (int32_t y = 0; y < height; y++) {
      const int32_t from = shown(y + down, height, d->reflects);
      const uint8_t *row = image + ((int64_t)c * height + from) * width;
      for (int32_t first = 0; first < width; first += LANES) {
        const int32_t count = width - first < LANES ? width - first : LANES;
        float lanes[LANES] = {0};
        for (int32_t lane = 0; lane < count; lane++) {
          const int32_t x = first + lane;
          const int32_t column = shown((flip ? width - 1 - x : x) + right, width, d->reflects);
          const int inside = from >= 0 && column >= 0;
          const int cut = y >= top && y < bottom && x >= left && x < end;
          lanes[lane] = cut ? 0 : levels[256 * c + (inside ? row[column] : 0)];
        }
        store(type, out, ((int64_t)c * height + y) * width + first,
              load(VL_FLOAT32, lanes, 0, LANES), count);
      }
    }
  }
}

void VL(mix)(vl_type type, float share, void *a, void *b, int64_t n) {
  const float rest = 1 - share;
  BY_TYPE(type, FOR_ELEMENTS(n, {
            vf x = load(TYPE, a, i, count);
            vf y = load(TYPE, b, i, count);
            store(TYPE, a, i, share * x + rest * y, count);
            store(TYPE, b, i, share * y + rest * x, count);
          }))
}
