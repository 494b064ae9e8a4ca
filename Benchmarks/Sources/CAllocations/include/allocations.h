// How much memory was asked for so far, by anybody in this program: linked in, it takes the place of malloc(3) and its like.
#pragma once

/// How many times.
unsigned long long allocations_count(void);

/// How many bytes.
unsigned long long allocations_bytes(void);
