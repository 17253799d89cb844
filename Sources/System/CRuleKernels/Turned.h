// Constants that differ from row to row: eight of 64 rows at a time are turned from rows to columns, then used.
// TURNED, their type, is defined before this is included.
#ifndef PASSFLOW_RULE_TURNED_H
#define PASSFLOW_RULE_TURNED_H
#include "CRuleKernels.h"
#include "Level.h"

// Eight constants of 64 rows, turned from rows to columns.
typedef struct {
  TURNED column[8][64];
} __attribute__((aligned(64))) Block;

static inline void turn_plain(const TURNED *const *rows, long first, Block *block) {
  for (int row = 0; row < 64; row++)
    for (int place = 0; place < 8; place++) block->column[place][row] = rows[row][first + place];
}

// One copy for each set of instructions, so that nothing is called through a pointer.
// `turn_rows`: a function like turn_plain. `test_column(suffix, of_rows, use, word)`: a macro, what is done with a column.
#define PARAMETERS(suffix, turn_rows, test_column)                                                                 \
  static void parameters_##suffix(const uint32_t *sets, uint32_t set_count, const TURNED *constants, long width,   \
                                  const rule_parameter_use *uses, long count, long words) {                        \
    const TURNED *rows[64];                                                                                        \
    Block block;                                                                                                   \
    for (long w = 0; w < words; w++) {                                                                             \
      for (int i = 0; i < 64; i++) {                                                                               \
        const uint32_t set = sets[w * 64 + i];                                                                     \
        rows[i] = constants + (set < set_count ? set : 0) * width;                                                 \
      }                                                                                                            \
      for (long use = 0; use < count;) {                                                                           \
        const long first = uses[use].place & ~7;                                                                   \
        turn_rows(rows, first, &block);                                                                            \
        for (; use < count && (uses[use].place & ~7) == first; use++) {                                            \
          const rule_parameter_use *u = uses + use;                                                                \
          const TURNED *of_rows = block.column[u->place & 7];                                                      \
          test_column(suffix, of_rows, u, w)                                                                       \
        }                                                                                                          \
      }                                                                                                            \
    }                                                                                                              \
  }

#endif
