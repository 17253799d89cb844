// Counts the allocations of each thread, for tests: stands in for the C library's malloc, calloc and realloc.
#ifndef PASSFLOW_ALLOCATION_COUNT_H
#define PASSFLOW_ALLOCATION_COUNT_H

// Allocations that this thread has made so far.
unsigned long passflow_allocations(void);

#endif
