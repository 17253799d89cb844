// Constants that differ from row to row in two bytes each: those of ten thousand malls stay near the processor.
#define TURNED uint16_t
#include "Turned.h"

static inline uint64_t test_plain(const uint16_t *codes, const rule_parameter_use *use, const int64_t *values) {
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) {
    const int64_t x = values[i], c = codes[i] * use->step;
    const int is = use->test == rule_parameter_at_least  ? x >= c
                   : use->test == rule_parameter_at_most ? c >= x
                                                         : x == c;
    bits |= (uint64_t)is << i;
  }
  return bits;
}

#if defined(__x86_64__)

// Every processor of this kind has these.
static inline void turn(const uint16_t *const *rows, long first, Block *block) {
  for (int row = 0; row < 64; row += 8) {
    __m128i a[8], b[8];
    for (int i = 0; i < 8; i++) a[i] = _mm_loadu_si128((const __m128i *)(rows[row + i] + first));
    for (int i = 0; i < 4; i++) {
      b[2 * i] = _mm_unpacklo_epi16(a[2 * i], a[2 * i + 1]);
      b[2 * i + 1] = _mm_unpackhi_epi16(a[2 * i], a[2 * i + 1]);
    }
    for (int half = 0; half < 2; half++) {
      // Columns 4 half … 4 half + 3, of rows 0–3 and 4–7.
      const __m128i low0 = _mm_unpacklo_epi32(b[half], b[2 + half]), high0 = _mm_unpackhi_epi32(b[half], b[2 + half]);
      const __m128i low1 = _mm_unpacklo_epi32(b[4 + half], b[6 + half]),
                    high1 = _mm_unpackhi_epi32(b[4 + half], b[6 + half]);
      const __m128i turned[4] = {_mm_unpacklo_epi64(low0, low1), _mm_unpackhi_epi64(low0, low1),
                                 _mm_unpacklo_epi64(high0, high1), _mm_unpackhi_epi64(high0, high1)};
      for (int i = 0; i < 4; i++) _mm_store_si128((__m128i *)&block->column[4 * half + i][row], turned[i]);
    }
  }
}

#define BITS512(compare)                                                                                       \
  for (int i = 0; i < 8; i++) {                                                                                \
    const __m512i x = _mm512_loadu_si512(values + 8 * i);                                                      \
    const __m512i code = _mm512_cvtepu16_epi64(_mm_load_si128((const __m128i *)(codes + 8 * i)));              \
    const __m512i c = _mm512_mullo_epi64(code, step);                                                          \
    bits |= (uint64_t)(compare) << (8 * i);                                                                    \
  }

AVX512 static inline uint64_t test_512(const uint16_t *codes, const rule_parameter_use *use, const int64_t *values) {
  const __m512i step = _mm512_set1_epi64(use->step);
  uint64_t bits = 0;
  switch (use->test) {
  case rule_parameter_at_least: BITS512(_mm512_cmpge_epi64_mask(x, c)) break;
  case rule_parameter_at_most: BITS512(_mm512_cmpge_epi64_mask(c, x)) break;
  default: BITS512(_mm512_cmpeq_epi64_mask(x, c)) break;
  }
  return bits;
}

// A code fits 32 bits, so that two products of 32 bits make one of 64.
#define BITS256(vector)                                                                                        \
  for (int i = 0; i < 16; i++) {                                                                               \
    const __m256i x = _mm256_loadu_si256((const __m256i *)(values + 4 * i));                                   \
    const __m256i code = _mm256_cvtepu16_epi64(_mm_loadl_epi64((const __m128i *)(codes + 4 * i)));             \
    const __m256i c = _mm256_add_epi64(_mm256_mul_epu32(code, low),                                            \
                                       _mm256_slli_epi64(_mm256_mul_epu32(code, high), 32));                   \
    bits |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(vector)) << (4 * i);                    \
  }

AVX2 static inline uint64_t test_256(const uint16_t *codes, const rule_parameter_use *use, const int64_t *values) {
  const __m256i low = _mm256_set1_epi64x(use->step), high = _mm256_set1_epi64x((int64_t)((uint64_t)use->step >> 32));
  uint64_t bits = 0;
  switch (use->test) {
  case rule_parameter_at_least: BITS256(_mm256_cmpgt_epi64(c, x)) return ~bits;
  case rule_parameter_at_most: BITS256(_mm256_cmpgt_epi64(x, c)) return ~bits;
  default: BITS256(_mm256_cmpeq_epi64(x, c)) return bits;
  }
}
#else
#define turn turn_plain
#endif

#define TEST(suffix, of_rows, of_use, w)                                           \
  const uint64_t bits = test_##suffix(of_rows, of_use, of_use->values + w * 64);   \
  of_use->t[w] = bits & of_use->known[w];                                          \
  of_use->f[w] = ~bits & of_use->known[w];

PARAMETERS(plain, turn, TEST)
#if defined(__x86_64__)
AVX2 PARAMETERS(256, turn, TEST)
AVX512 PARAMETERS(512, turn, TEST)
#endif

void rule_narrow_parameters(const uint32_t *sets, uint32_t set_count, const uint16_t *codes, long width,
                            const rule_parameter_use *uses, long count, long words) {
  if (set_count == 0 || width == 0) return;
  CHOOSE(parameters, sets, set_count, codes, width, uses, count, words)
}
