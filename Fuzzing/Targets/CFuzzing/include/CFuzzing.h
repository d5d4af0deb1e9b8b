#pragma once

#include <stddef.h>
#include <stdint.h>

// How often this process has asked for memory; 0 for ever under AddressSanitizer, which has an allocator
// of its own.
unsigned long allocations_made(void);

// Of libFuzzer: calls the function with one input after the other, as the arguments say.
int LLVMFuzzerRunDriver(
    int *_Nonnull count, char *_Nullable *_Nullable *_Nonnull arguments,
    int (*_Nonnull test)(const uint8_t *_Nullable bytes, size_t count));
