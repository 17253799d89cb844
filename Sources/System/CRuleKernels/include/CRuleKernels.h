// Loops over columns of 64-row words: columns in, two bit planes (true, false) out. A bit in neither plane is
// unknown. Each is written for AVX-512, for AVX2 and plainly; what the processor has decides at the first call.
#ifndef PASSFLOW_RULE_KERNELS_H
#define PASSFLOW_RULE_KERNELS_H

#include <stdint.h>

// value >= constant, value == constant.
void rule_at_least(const int64_t *values, const uint64_t *known, int64_t constant, uint64_t *t, uint64_t *f,
                   long words);
void rule_equals(const int64_t *values, const uint64_t *known, int64_t constant, uint64_t *t, uint64_t *f,
                 long words);

// left >= right, left == right.
void rule_at_least_number(const int64_t *left, const uint64_t *left_known, const int64_t *right,
                          const uint64_t *right_known, uint64_t *t, uint64_t *f, long words);
void rule_equals_number(const int64_t *left, const uint64_t *left_known, const int64_t *right,
                        const uint64_t *right_known, uint64_t *t, uint64_t *f, long words);

// left + right, or left - right; bits of rows that overflow are cleared in `known`.
void rule_add(const int64_t *left, const int64_t *right, int subtract, int64_t *out, uint64_t *known, long words);

// code == constant; code 0 is unknown.
void rule_text_equals(const uint32_t *codes, uint32_t constant, uint64_t *t, uint64_t *f, long words);

// Rows whose number is `wanted`: one word.
uint64_t rule_rows_equal(const uint32_t *numbers, uint32_t wanted);

// How many of the sorted thresholds each value reaches. count <= 65535.
void rule_rank(const int64_t *values, const int64_t *thresholds, long count, uint16_t *ranks, long rows);
void rule_rank_at_least(const uint16_t *ranks, uint16_t rank, const uint64_t *known, uint64_t *t, uint64_t *f,
                        long words);
void rule_rank_equals(const uint16_t *ranks, uint16_t rank, const uint64_t *known, uint64_t *t, uint64_t *f,
                      long words);

// Conjunction: true where all are, false where one is. planes: t0, f0, t1, f1, … of `count` operands (at least 1).
void rule_and(const uint64_t *const *planes, long count, uint64_t *t, uint64_t *f, long words);

// What a predicate does with the constants that differ from set to set.
typedef enum {
  rule_parameter_store,     // column[row] = constant
  rule_parameter_at_least,  // value >= constant
  rule_parameter_at_most,   // constant >= value
  rule_parameter_equals     // value == constant
} rule_parameter_test;

typedef struct {
  // Which of a set's constants; uses stand in the order of their places.
  int32_t place;
  int32_t test;
  const int64_t *values;
  const uint64_t *known;
  uint64_t *t, *f;
  int64_t *column;
  // Of narrow constants: what they are multiples of.
  int64_t step;
} rule_parameter_use;

// Each row's constants are those of its set, at constants + set * width; width is a multiple of 8, and constants lie
// at a multiple of 64 bytes. Rows of sets that are not there (>= set_count) are given another's.
void rule_parameters(const uint32_t *sets, uint32_t set_count, const int64_t *constants, long width,
                     const rule_parameter_use *uses, long count, long words);

// The same where each constant is 0 … 65535 times the step of its place, which takes a quarter of the memory; no stores.
void rule_narrow_parameters(const uint32_t *sets, uint32_t set_count, const uint16_t *codes, long width,
                            const rule_parameter_use *uses, long count, long words);

// columns[j][row] = values[starts[sets[row]] + j] for j < count.
void rule_spread_parameters(const uint32_t *sets, const int32_t *starts, const int64_t *values, long count,
                            int64_t *const *columns, long rows);

// profiles[row] = of_sets[sets[row]], `beyond` for sets that are not there; whether ready[profile] is set for all of
// them; without `ready`: no. The rows are padded to whole words by `beyond`; ready has a place for `beyond`.
int rule_find_profiles(const uint32_t *sets, uint32_t set_count, const uint32_t *of_sets, uint32_t beyond,
                       const uint8_t *ready, uint32_t *profiles, long rows);

// SHA-256 of whole blocks of 64 bytes, from one state to the next.
void rule_sha256_blocks(uint32_t state[8], const uint8_t *data, long blocks);

// For tests and measurements: nothing above this level is used (2 AVX-512, 1 AVX2, 0 neither).
void rule_kernels_limit(int level);

#endif
