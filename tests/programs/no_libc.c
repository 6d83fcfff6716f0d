/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program without any C library: it says that it is ready and sleeps. */
#include <asm/unistd.h>

static long call(long number, long a, long b, long c)
{
	long ret = number;

#if defined(__x86_64__)
	__asm__ volatile("syscall" : "+a"(ret) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b, x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	ret = x0;
#endif
	return ret;
}

static const char ready[] = "ready\n";

void _start(void)
{
	call(__NR_write, 1, (long)ready, sizeof(ready) - 1);
	for (;;)
		call(__NR_ppoll, 0, 0, 0);
}
