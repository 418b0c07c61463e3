/* SPDX-License-Identifier: BSD-2-Clause */
/* The image's C library prints no long long. A long is as long here. */
#undef vsnprintf
#undef snprintf
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(long) == sizeof(long long), "the image is LP64");

#define FORMAT_MAX 512

int spec_vsnprintf(char *to, size_t size, const char *fmt, va_list args) __attribute__((format(printf, 3, 0)));
int spec_snprintf(char *to, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

int spec_vsnprintf(char *to, size_t size, const char *fmt, va_list args)
{
	char own[FORMAT_MAX];
	size_t n = 0;
	bool conversion = false;

	for (; *fmt != '\0' && n < FORMAT_MAX - 1; fmt++) {
		if (conversion && fmt[0] == 'l' && fmt[1] == 'l')
			continue;
		own[n++] = *fmt;
		conversion = *fmt == '%' ? !conversion : conversion && strchr("0123456789#-+ .*lz", *fmt) != NULL;
	}
	own[n] = '\0';
#pragma clang diagnostic ignored "-Wformat-nonliteral"
	return vsnprintf(to, size, own, args);
}

int spec_snprintf(char *to, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = spec_vsnprintf(to, size, fmt, args);
	va_end(args);
	return n;
}
