// Constants that differ from row to row, because the rows' rule sets do.
#define TURNED int64_t
#include "Turned.h"

static void test_plain(const int64_t *constants, int32_t test, const int64_t *values, uint64_t known, uint64_t *t,
                       uint64_t *f) {
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) {
    const int64_t x = values[i], c = constants[i];
    const int is = test == rule_parameter_at_least ? x >= c : test == rule_parameter_at_most ? c >= x : x == c;
    bits |= (uint64_t)is << i;
  }
  *t = bits & known;
  *f = ~bits & known;
}

#if defined(__x86_64__)

AVX512 static void turn_512(const int64_t *const *rows, long first, Block *block) {
  // Positions in two vectors of which the pairs of neighbouring rows, then their halves, are put together.
  for (int row = 0; row < 64; row += 8) {
    __m512i a[8], b[8];
    for (int i = 0; i < 8; i++) a[i] = _mm512_loadu_si512(rows[row + i] + first);
    for (int i = 0; i < 8; i += 2) {
      b[i] = _mm512_unpacklo_epi64(a[i], a[i + 1]);
      b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 1]);
    }
    for (int i = 0; i < 2; i++) {
      // Quarters 0 and 2, then 1 and 3, of rows 0–3 and of rows 4–7.
      const __m512i even0 = _mm512_shuffle_i64x2(b[i], b[i + 2], 0x88), even1 = _mm512_shuffle_i64x2(b[i + 4], b[i + 6], 0x88);
      const __m512i odd0 = _mm512_shuffle_i64x2(b[i], b[i + 2], 0xDD), odd1 = _mm512_shuffle_i64x2(b[i + 4], b[i + 6], 0xDD);
      _mm512_store_si512(&block->column[0 + i][row], _mm512_shuffle_i64x2(even0, even1, 0x88));
      _mm512_store_si512(&block->column[4 + i][row], _mm512_shuffle_i64x2(even0, even1, 0xDD));
      _mm512_store_si512(&block->column[2 + i][row], _mm512_shuffle_i64x2(odd0, odd1, 0x88));
      _mm512_store_si512(&block->column[6 + i][row], _mm512_shuffle_i64x2(odd0, odd1, 0xDD));
    }
  }
}

#define BITS512(compare)                                             \
  for (int i = 0; i < 8; i++) {                                      \
    const __m512i x = _mm512_loadu_si512(values + 8 * i);            \
    const __m512i c = _mm512_loadu_si512(constants + 8 * i);         \
    bits |= (uint64_t)(compare) << (8 * i);                          \
  }

AVX512 static void test_512(const int64_t *constants, int32_t test, const int64_t *values, uint64_t known,
                            uint64_t *t, uint64_t *f) {
  uint64_t bits = 0;
  switch (test) {
  case rule_parameter_at_least: BITS512(_mm512_cmpge_epi64_mask(x, c)) break;
  case rule_parameter_at_most: BITS512(_mm512_cmpge_epi64_mask(c, x)) break;
  default: BITS512(_mm512_cmpeq_epi64_mask(x, c)) break;
  }
  *t = bits & known;
  *f = ~bits & known;
}

AVX2 static void turn_256(const int64_t *const *rows, long first, Block *block) {
  for (int row = 0; row < 64; row += 4) {
    for (int half = 0; half < 8; half += 4) {
      __m256i a[4];
      for (int i = 0; i < 4; i++) a[i] = _mm256_loadu_si256((const __m256i *)(rows[row + i] + first + half));
      const __m256i low0 = _mm256_unpacklo_epi64(a[0], a[1]), high0 = _mm256_unpackhi_epi64(a[0], a[1]);
      const __m256i low1 = _mm256_unpacklo_epi64(a[2], a[3]), high1 = _mm256_unpackhi_epi64(a[2], a[3]);
      const __m256i turned[4] = {
          _mm256_permute2x128_si256(low0, low1, 0x20), _mm256_permute2x128_si256(high0, high1, 0x20),
          _mm256_permute2x128_si256(low0, low1, 0x31), _mm256_permute2x128_si256(high0, high1, 0x31)};
      for (int i = 0; i < 4; i++) _mm256_storeu_si256((__m256i *)&block->column[half + i][row], turned[i]);
    }
  }
}

#define BITS256(vector)                                                                                    \
  for (int i = 0; i < 16; i++) {                                                                           \
    const __m256i x = _mm256_loadu_si256((const __m256i *)(values + 4 * i));                               \
    const __m256i c = _mm256_loadu_si256((const __m256i *)(constants + 4 * i));                            \
    bits |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(vector)) << (4 * i);                \
  }

AVX2 static void test_256(const int64_t *constants, int32_t test, const int64_t *values, uint64_t known,
                          uint64_t *t, uint64_t *f) {
  uint64_t bits = 0;
  switch (test) {
  case rule_parameter_at_least:
    BITS256(_mm256_cmpgt_epi64(c, x))
    bits = ~bits;
    break;
  case rule_parameter_at_most:
    BITS256(_mm256_cmpgt_epi64(x, c))
    bits = ~bits;
    break;
  default: BITS256(_mm256_cmpeq_epi64(x, c)) break;
  }
  *t = bits & known;
  *f = ~bits & known;
}
#endif

#define STORE_OR_TEST(suffix, of_rows, of_use, w)                                   \
  if (of_use->test == rule_parameter_store)                                         \
    __builtin_memcpy(of_use->column + w * 64, of_rows, sizeof(int64_t[64]));        \
  else                                                                              \
    test_##suffix(of_rows, of_use->test, of_use->values + w * 64, of_use->known[w], of_use->t + w, of_use->f + w);

PARAMETERS(plain, turn_plain, STORE_OR_TEST)
#if defined(__x86_64__)
AVX2 PARAMETERS(256, turn_256, STORE_OR_TEST)
AVX512 PARAMETERS(512, turn_512, STORE_OR_TEST)
#endif

void rule_parameters(const uint32_t *sets, uint32_t set_count, const int64_t *constants, long width,
                     const rule_parameter_use *uses, long count, long words) {
  if (set_count == 0 || width == 0) return;
  CHOOSE(parameters, sets, set_count, constants, width, uses, count, words)
}

void rule_spread_parameters(const uint32_t *sets, const int32_t *starts, const int64_t *values, long count,
                            int64_t *const *columns, long rows) {
  for (long row = 0; row < rows; row++) {
    if (row + 8 < rows) __builtin_prefetch(values + starts[sets[row + 8]]);
    const int64_t *from = values + starts[sets[row]];
    for (long j = 0; j < count; j++) columns[j][row] = from[j];
  }
}

int rule_find_profiles(const uint32_t *sets, uint32_t set_count, const uint32_t *of_sets, uint32_t beyond,
                       const uint8_t *ready, uint32_t *profiles, long rows) {
  uint8_t all = 1;
  for (long row = 0; row < rows; row++) {
    const uint32_t profile = sets[row] < set_count ? of_sets[sets[row]] : beyond;
    profiles[row] = profile;
    all &= ready ? ready[profile] : 0;
  }
  for (long row = rows; row % 64 != 0; row++) profiles[row] = beyond;
  return all;
}
