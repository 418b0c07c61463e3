/* SPDX-License-Identifier: BSD-2-Clause */
/* Fixed-width names and the compiler attributes that the project uses. */
#ifndef HYP_TYPES_H
#define HYP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define MUST_CHECK    __attribute__((warn_unused_result))
#define PRINTF(f, a)  __attribute__((format(printf, f, a)))
#define NORETURN      __attribute__((noreturn))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))
#define COLD          __attribute__((cold))
#define ALIGNED(n)    __attribute__((aligned(n)))
#define UNUSED        __attribute__((unused))
/* The compiler forgets what it knows of the value of a variable. No instruction. */
#define HIDE_VALUE(variable) __asm__("" : "+r"(variable))
/* For a read that races on purpose, and says why that does not matter; TSan does not look at it. */
#define NO_RACE_ANALYSIS __attribute__((no_sanitize("thread")))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Register memory: only io.h dereferences it (sparse checks). */
#ifdef __CHECKER__
#define __mmio __attribute__((noderef, address_space(__mmio)))
#else
#define __mmio
#endif

#endif
