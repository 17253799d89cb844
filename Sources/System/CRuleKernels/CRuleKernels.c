#include "CRuleKernels.h"

#include "Level.h"

// The plain form of a kernel whose answer for a row is the expression `test`.
#define PLAIN_WORD(test)                                    \
  uint64_t bits = 0;                                        \
  for (int i = 0; i < 64; i++) bits |= (uint64_t)(test) << i

static inline void put(uint64_t bits, uint64_t known, uint64_t *t, uint64_t *f, long word) {
  t[word] = bits & known;
  f[word] = ~bits & known;
}

static void at_least_plain(const int64_t *v, const uint64_t *known, int64_t c, uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = v + w * 64;
    PLAIN_WORD(x[i] >= c);
    put(bits, known[w], t, f, w);
  }
}

static void equals_plain(const int64_t *v, const uint64_t *known, int64_t c, uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = v + w * 64;
    PLAIN_WORD(x[i] == c);
    put(bits, known[w], t, f, w);
  }
}

static void at_least_number_plain(const int64_t *a, const uint64_t *ak, const int64_t *b, const uint64_t *bk,
                                  uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = a + w * 64, *y = b + w * 64;
    PLAIN_WORD(x[i] >= y[i]);
    put(bits, ak[w] & bk[w], t, f, w);
  }
}

static void equals_number_plain(const int64_t *a, const uint64_t *ak, const int64_t *b, const uint64_t *bk,
                                uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = a + w * 64, *y = b + w * 64;
    PLAIN_WORD(x[i] == y[i]);
    put(bits, ak[w] & bk[w], t, f, w);
  }
}

static void text_equals_plain(const uint32_t *codes, uint32_t c, uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const uint32_t *x = codes + w * 64;
    uint64_t known = 0;
    for (int i = 0; i < 64; i++) known |= (uint64_t)(x[i] != 0) << i;
    PLAIN_WORD(x[i] == c);
    put(bits, known, t, f, w);
  }
}

static uint64_t rows_equal_plain(const uint32_t *x, uint32_t wanted) {
  PLAIN_WORD(x[i] == wanted);
  return bits;
}

static void rank_at_least_plain(const uint16_t *r, uint16_t k, const uint64_t *known, uint64_t *t, uint64_t *f,
                                long words) {
  for (long w = 0; w < words; w++) {
    const uint16_t *x = r + w * 64;
    PLAIN_WORD(x[i] >= k);
    put(bits, known[w], t, f, w);
  }
}

static void rank_equals_plain(const uint16_t *r, uint16_t k, const uint64_t *known, uint64_t *t, uint64_t *f,
                              long words) {
  for (long w = 0; w < words; w++) {
    const uint16_t *x = r + w * 64;
    PLAIN_WORD(x[i] == k);
    put(bits, known[w], t, f, w);
  }
}

static void add_plain(const int64_t *a, const int64_t *b, int subtract, int64_t *out, uint64_t *known, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = a + w * 64, *y = b + w * 64;
    int64_t *z = out + w * 64;
    uint64_t overflow = 0;
    for (int i = 0; i < 64; i++)
      overflow |= (uint64_t)(subtract ? __builtin_sub_overflow(x[i], y[i], &z[i])
                                      : __builtin_add_overflow(x[i], y[i], &z[i]))
                  << i;
    known[w] &= ~overflow;
  }
}

#if defined(__x86_64__)

// 64 rows of 8 bytes against something: eight masks of eight.
#define MASK512(compare, load, name)                                                             \
  uint64_t name = 0;                                                                             \
  for (int i = 0; i < 8; i++) name |= (uint64_t)(compare) << (8 * i);

AVX512 static void at_least_512(const int64_t *v, const uint64_t *known, int64_t c, uint64_t *t, uint64_t *f,
                                long words) {
  const __m512i constant = _mm512_set1_epi64(c);
  for (long w = 0; w < words; w++) {
    const int64_t *x = v + w * 64;
    MASK512(_mm512_cmpge_epi64_mask(_mm512_loadu_si512(x + 8 * i), constant), , bits);
    put(bits, known[w], t, f, w);
  }
}

AVX512 static void equals_512(const int64_t *v, const uint64_t *known, int64_t c, uint64_t *t, uint64_t *f,
                              long words) {
  const __m512i constant = _mm512_set1_epi64(c);
  for (long w = 0; w < words; w++) {
    const int64_t *x = v + w * 64;
    MASK512(_mm512_cmpeq_epi64_mask(_mm512_loadu_si512(x + 8 * i), constant), , bits);
    put(bits, known[w], t, f, w);
  }
}

AVX512 static void at_least_number_512(const int64_t *a, const uint64_t *ak, const int64_t *b, const uint64_t *bk,
                                       uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = a + w * 64, *y = b + w * 64;
    MASK512(_mm512_cmpge_epi64_mask(_mm512_loadu_si512(x + 8 * i), _mm512_loadu_si512(y + 8 * i)), , bits);
    put(bits, ak[w] & bk[w], t, f, w);
  }
}

AVX512 static void equals_number_512(const int64_t *a, const uint64_t *ak, const int64_t *b, const uint64_t *bk,
                                     uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = a + w * 64, *y = b + w * 64;
    MASK512(_mm512_cmpeq_epi64_mask(_mm512_loadu_si512(x + 8 * i), _mm512_loadu_si512(y + 8 * i)), , bits);
    put(bits, ak[w] & bk[w], t, f, w);
  }
}

AVX512 static uint64_t rows_equal_512(const uint32_t *x, uint32_t wanted) {
  const __m512i constant = _mm512_set1_epi32((int)wanted);
  uint64_t bits = 0;
  for (int i = 0; i < 4; i++)
    bits |= (uint64_t)_mm512_cmpeq_epi32_mask(_mm512_loadu_si512(x + 16 * i), constant) << (16 * i);
  return bits;
}

AVX512 static void text_equals_512(const uint32_t *codes, uint32_t c, uint64_t *t, uint64_t *f, long words) {
  const __m512i constant = _mm512_set1_epi32((int)c);
  for (long w = 0; w < words; w++) {
    uint64_t bits = 0, known = 0;
    for (int i = 0; i < 4; i++) {
      const __m512i x = _mm512_loadu_si512(codes + w * 64 + 16 * i);
      bits |= (uint64_t)_mm512_cmpeq_epi32_mask(x, constant) << (16 * i);
      known |= (uint64_t)_mm512_test_epi32_mask(x, x) << (16 * i);
    }
    put(bits, known, t, f, w);
  }
}

AVX512 static void rank_at_least_512(const uint16_t *r, uint16_t k, const uint64_t *known, uint64_t *t, uint64_t *f,
                                     long words) {
  const __m512i constant = _mm512_set1_epi16((short)k);
  for (long w = 0; w < words; w++) {
    const uint16_t *x = r + w * 64;
    uint64_t low = _mm512_cmpge_epu16_mask(_mm512_loadu_si512(x), constant);
    uint64_t high = _mm512_cmpge_epu16_mask(_mm512_loadu_si512(x + 32), constant);
    put(low | high << 32, known[w], t, f, w);
  }
}

AVX512 static void rank_equals_512(const uint16_t *r, uint16_t k, const uint64_t *known, uint64_t *t, uint64_t *f,
                                   long words) {
  const __m512i constant = _mm512_set1_epi16((short)k);
  for (long w = 0; w < words; w++) {
    const uint16_t *x = r + w * 64;
    uint64_t low = _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(x), constant);
    uint64_t high = _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(x + 32), constant);
    put(low | high << 32, known[w], t, f, w);
  }
}

AVX512 static void add_512(const int64_t *a, const int64_t *b, int subtract, int64_t *out, uint64_t *known,
                           long words) {
  for (long w = 0; w < words; w++) {
    uint64_t overflow = 0;
    for (int i = 0; i < 8; i++) {
      const long at = w * 64 + 8 * i;
      const __m512i x = _mm512_loadu_si512(a + at), y = _mm512_loadu_si512(b + at);
      const __m512i z = subtract ? _mm512_sub_epi64(x, y) : _mm512_add_epi64(x, y);
      // The sign of the result is wrong: of a sum whose terms agree, of a difference whose terms do not.
      const __m512i terms = subtract ? _mm512_xor_si512(x, y) : _mm512_xor_si512(x, z);
      const __m512i result = subtract ? _mm512_xor_si512(x, z) : _mm512_xor_si512(y, z);
      overflow |= (uint64_t)_mm512_movepi64_mask(_mm512_and_si512(terms, result)) << (8 * i);
      _mm512_storeu_si512(out + at, z);
    }
    known[w] &= ~overflow;
  }
}

// Sixteen groups of four.
#define MASK256(vector, name)                                                                                 \
  uint64_t name = 0;                                                                                          \
  for (int i = 0; i < 16; i++)                                                                                \
    name |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(vector)) << (4 * i);
#define AT256(pointer) _mm256_loadu_si256((const __m256i *)(pointer))

AVX2 static void at_least_256(const int64_t *v, const uint64_t *known, int64_t c, uint64_t *t, uint64_t *f,
                              long words) {
  const __m256i constant = _mm256_set1_epi64x(c);
  for (long w = 0; w < words; w++) {
    const int64_t *x = v + w * 64;
    MASK256(_mm256_cmpgt_epi64(constant, AT256(x + 4 * i)), below);
    put(~below, known[w], t, f, w);
  }
}

AVX2 static void equals_256(const int64_t *v, const uint64_t *known, int64_t c, uint64_t *t, uint64_t *f,
                            long words) {
  const __m256i constant = _mm256_set1_epi64x(c);
  for (long w = 0; w < words; w++) {
    const int64_t *x = v + w * 64;
    MASK256(_mm256_cmpeq_epi64(constant, AT256(x + 4 * i)), bits);
    put(bits, known[w], t, f, w);
  }
}

AVX2 static void at_least_number_256(const int64_t *a, const uint64_t *ak, const int64_t *b, const uint64_t *bk,
                                     uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = a + w * 64, *y = b + w * 64;
    MASK256(_mm256_cmpgt_epi64(AT256(y + 4 * i), AT256(x + 4 * i)), below);
    put(~below, ak[w] & bk[w], t, f, w);
  }
}

AVX2 static void equals_number_256(const int64_t *a, const uint64_t *ak, const int64_t *b, const uint64_t *bk,
                                   uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++) {
    const int64_t *x = a + w * 64, *y = b + w * 64;
    MASK256(_mm256_cmpeq_epi64(AT256(y + 4 * i), AT256(x + 4 * i)), bits);
    put(bits, ak[w] & bk[w], t, f, w);
  }
}

AVX2 static void add_256(const int64_t *a, const int64_t *b, int subtract, int64_t *out, uint64_t *known, long words) {
  for (long w = 0; w < words; w++) {
    uint64_t overflow = 0;
    for (int i = 0; i < 16; i++) {
      const long at = w * 64 + 4 * i;
      const __m256i x = AT256(a + at), y = AT256(b + at);
      const __m256i z = subtract ? _mm256_sub_epi64(x, y) : _mm256_add_epi64(x, y);
      const __m256i terms = subtract ? _mm256_xor_si256(x, y) : _mm256_xor_si256(x, z);
      const __m256i result = subtract ? _mm256_xor_si256(x, z) : _mm256_xor_si256(y, z);
      overflow |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_and_si256(terms, result)))
                  << (4 * i);
      _mm256_storeu_si256((__m256i *)(out + at), z);
    }
    known[w] &= ~overflow;
  }
}

AVX2 static uint64_t rows_equal_256(const uint32_t *x, uint32_t wanted) {
  const __m256i constant = _mm256_set1_epi32((int)wanted);
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++)
    bits |= (uint64_t)(uint32_t)_mm256_movemask_ps(
                _mm256_castsi256_ps(_mm256_cmpeq_epi32(constant, AT256(x + 8 * i))))
            << (8 * i);
  return bits;
}

AVX2 static void text_equals_256(const uint32_t *codes, uint32_t c, uint64_t *t, uint64_t *f, long words) {
  for (long w = 0; w < words; w++)
    put(rows_equal_256(codes + w * 64, c), ~rows_equal_256(codes + w * 64, 0), t, f, w);
}

// 64 rows of two bytes: the halves of each 32 are packed to bytes, then put back into their order.
AVX2 static inline uint64_t mask_epi16(__m256i a, __m256i b) {
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xD8);
  return (uint64_t)(uint32_t)_mm256_movemask_epi8(bytes);
}

AVX2 static void rank_at_least_256(const uint16_t *r, uint16_t k, const uint64_t *known, uint64_t *t, uint64_t *f,
                                   long words) {
  const __m256i constant = _mm256_set1_epi16((short)k);
  for (long w = 0; w < words; w++) {
    uint64_t bits = 0;
    for (int i = 0; i < 2; i++) {
      const __m256i a = AT256(r + w * 64 + 32 * i), b = AT256(r + w * 64 + 32 * i + 16);
      bits |= mask_epi16(_mm256_cmpeq_epi16(_mm256_max_epu16(a, constant), a),
                         _mm256_cmpeq_epi16(_mm256_max_epu16(b, constant), b))
              << (32 * i);
    }
    put(bits, known[w], t, f, w);
  }
}

AVX2 static void rank_equals_256(const uint16_t *r, uint16_t k, const uint64_t *known, uint64_t *t, uint64_t *f,
                                 long words) {
  const __m256i constant = _mm256_set1_epi16((short)k);
  for (long w = 0; w < words; w++) {
    uint64_t bits = 0;
    for (int i = 0; i < 2; i++) {
      const __m256i a = AT256(r + w * 64 + 32 * i), b = AT256(r + w * 64 + 32 * i + 16);
      bits |= mask_epi16(_mm256_cmpeq_epi16(a, constant), _mm256_cmpeq_epi16(b, constant)) << (32 * i);
    }
    put(bits, known[w], t, f, w);
  }
}

// 2: AVX-512, 1: AVX2, 0: neither.
static int processor(void) {
  static int level = -1;
  int seen = __atomic_load_n(&level, __ATOMIC_RELAXED);
  if (seen >= 0) return seen;
  __builtin_cpu_init();
  seen = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
             ? 2
         : __builtin_cpu_supports("avx2") ? 1
                                          : 0;
  __atomic_store_n(&level, seen, __ATOMIC_RELAXED);
  return seen;
}

static int limit = 2;
void rule_kernels_limit(int level) { __atomic_store_n(&limit, level, __ATOMIC_RELAXED); }
int rule_kernels_level(void) {
  const int most = __atomic_load_n(&limit, __ATOMIC_RELAXED), has = processor();
  return has < most ? has : most;
}
#else
void rule_kernels_limit(int level) { (void)level; }
#endif

void rule_at_least(const int64_t *values, const uint64_t *known, int64_t constant, uint64_t *t, uint64_t *f,
                   long words) {
  CHOOSE(at_least, values, known, constant, t, f, words)
}

void rule_equals(const int64_t *values, const uint64_t *known, int64_t constant, uint64_t *t, uint64_t *f,
                 long words) {
  CHOOSE(equals, values, known, constant, t, f, words)
}

void rule_at_least_number(const int64_t *left, const uint64_t *left_known, const int64_t *right,
                          const uint64_t *right_known, uint64_t *t, uint64_t *f, long words) {
  CHOOSE(at_least_number, left, left_known, right, right_known, t, f, words)
}

void rule_equals_number(const int64_t *left, const uint64_t *left_known, const int64_t *right,
                        const uint64_t *right_known, uint64_t *t, uint64_t *f, long words) {
  CHOOSE(equals_number, left, left_known, right, right_known, t, f, words)
}

void rule_add(const int64_t *left, const int64_t *right, int subtract, int64_t *out, uint64_t *known, long words) {
  CHOOSE(add, left, right, subtract, out, known, words)
}

void rule_text_equals(const uint32_t *codes, uint32_t constant, uint64_t *t, uint64_t *f, long words) {
  CHOOSE(text_equals, codes, constant, t, f, words)
}

uint64_t rule_rows_equal(const uint32_t *numbers, uint32_t wanted) { CHOOSE(rows_equal, numbers, wanted) }

void rule_rank_at_least(const uint16_t *ranks, uint16_t rank, const uint64_t *known, uint64_t *t, uint64_t *f,
                        long words) {
  CHOOSE(rank_at_least, ranks, rank, known, t, f, words)
}

void rule_rank_equals(const uint16_t *ranks, uint16_t rank, const uint64_t *known, uint64_t *t, uint64_t *f,
                      long words) {
  CHOOSE(rank_equals, ranks, rank, known, t, f, words)
}

// Four rows side by side, so that their searches overlap; no branch depends on a value.
void rule_rank(const int64_t *values, const int64_t *thresholds, long count, uint16_t *ranks, long rows) {
  for (long row = 0; row + 4 <= rows; row += 4) {
    const int64_t *at[4] = {thresholds, thresholds, thresholds, thresholds};
    long left = count;
    while (left > 1) {
      const long half = left / 2;
      for (int i = 0; i < 4; i++) at[i] += at[i][half - 1] <= values[row + i] ? half : 0;
      left -= half;
    }
    for (int i = 0; i < 4; i++)
      ranks[row + i] = (uint16_t)((at[i] - thresholds) + (count > 0 && *at[i] <= values[row + i]));
  }
}

void rule_and(const uint64_t *const *planes, long count, uint64_t *t, uint64_t *f, long words) {
  const uint64_t *at = planes[0], *af = planes[1];
  if (count == 1) {
    for (long w = 0; w < words; w++) {
      t[w] = at[w];
      f[w] = af[w];
    }
    return;
  }
  const uint64_t *bt = planes[2], *bf = planes[3];
  for (long w = 0; w < words; w++) {
    t[w] = at[w] & bt[w];
    f[w] = af[w] | bf[w];
  }
  for (long i = 2; i < count; i++) {
    const uint64_t *ct = planes[2 * i], *cf = planes[2 * i + 1];
    for (long w = 0; w < words; w++) {
      t[w] &= ct[w];
      f[w] |= cf[w];
    }
  }
}
