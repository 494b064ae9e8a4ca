#include "allocations.h"
#include <errno.h>
#include <stddef.h>

// glibc's own, under the names it keeps for those who take malloc's place.
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static unsigned long long count, bytes;

static void note(size_t size) {
    __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&bytes, size, __ATOMIC_RELAXED);
}

unsigned long long allocations_count(void) { return __atomic_load_n(&count, __ATOMIC_RELAXED); }
unsigned long long allocations_bytes(void) { return __atomic_load_n(&bytes, __ATOMIC_RELAXED); }

void *malloc(size_t size) { return note(size), __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return note(number * size), __libc_calloc(number, size); }
void *realloc(void *memory, size_t size) { return note(size), __libc_realloc(memory, size); }
void *memalign(size_t alignment, size_t size) { return note(size), __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return note(size), __libc_memalign(alignment, size); }
int posix_memalign(void **memory, size_t alignment, size_t size) {
    note(size);
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}
