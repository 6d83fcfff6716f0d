/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { USER = 1000, MODULES = 16 };

/* --- output ----------------------------------------------------------------------------------------- */

static char line[1 << 17];
static size_t line_len;

void put(const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line + line_len, sizeof(line) - line_len, format, args);
	va_end(args);
	if (len > 0)
		line_len += (size_t)len;
	if (line_len >= sizeof(line))
		line_len = sizeof(line) - 1;
}

void put_text(const char *text, size_t len)
{
	put("\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			put("\\%c", c);
		else if (c < 32)
			put("\\u%04x", c);
		else
			put("%c", c);
	}
	put("\"");
}

void end_line(void)
{
	size_t done = 0;

	put("\n");
	while (done < line_len) {
		ssize_t part = write(RESULT_FD, line + done, line_len - done);

		if (part <= 0)
			break;
		done += (size_t)part;
	}
	line_len = 0;
}

void drop_line(void)
{
	line_len = 0;
}

/* --- /proc ------------------------------------------------------------------------------------------ */

size_t read_file(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t part;

	to[0] = '\0';
	if (fd < 0)
		return 0;
	while (len < size - 1 && (part = read(fd, to + len, size - 1 - len)) > 0)
		len += (size_t)part;
	close(fd);
	to[len] = '\0';
	return len;
}

bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t len = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return len == (ssize_t)strlen(text);
}

bool write_number(const char *path, uint64_t number)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return write_file(path, text);
}

uint64_t number_behind(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

uint64_t meminfo_pages(const char *key)
{
	static char text[8192];

	read_file("/proc/meminfo", text, sizeof(text));
	return number_behind(text, key) * 1024 / PAGE;
}

/* --- children --------------------------------------------------------------------------------------- */

int run_as(bool is_root, size_t program, char *const argv[])
{
	static const char *const programs[] = { "/init", "/init-pie", "/init-dynamic" };
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -1;
	if (pid == 0) {
		if (!is_root && (setgid(USER) || setuid(USER)))
			_exit(126);
		execv(programs[program % 3], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- swap ------------------------------------------------------------------------------------------------------- */

/* The header that mkswap writes. */
static void make_swap(uint64_t pages)
{
	static char page[4096];
	uint32_t info[3] = { 1, (uint32_t)pages - 1, 0 };
	int fd = open("/dev/vda", O_WRONLY);

	memcpy(page + 1024, info, sizeof(info));
	memcpy(page + 4086, "SWAPSPACE2", 10);
	(void)!write(fd, page, sizeof(page));
	(void)fsync(fd);
	close(fd);
}

bool swap_on(uint64_t pages)
{
	for (int i = 0; i < 100 && access("/dev/vda", F_OK); i++)
		usleep(10000);
	make_swap(pages);
	return swapon("/dev/vda", 0) == 0;
}

void swap_off(void)
{
	(void)swapoff("/dev/vda");
}

/* --- /init ------------------------------------------------------------------------------------------ */

/* Those of a disk to swap to; which of them a kernel has built in differs. */
static void load_modules(void)
{
	char path[32];

	for (int i = 0; i < MODULES; i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "/modules/%02d.ko", i);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		(void)syscall(SYS_finit_module, fd, "", 0);
		close(fd);
	}
}

static void mount_all(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 01777);
	mount("proc", "/proc", "proc", 0, "");
	mount("sysfs", "/sys", "sysfs", 0, "");
	mount("devtmpfs", "/dev", "devtmpfs", 0, "");
}

/* A line feed is to be one byte. */
static void make_raw(void)
{
	struct termios mode;

	if (tcgetattr(RESULT_FD, &mode))
		return;
	cfmakeraw(&mode);
	(void)tcsetattr(RESULT_FD, TCSANOW, &mode);
}

static void begin(void)
{
	int fd;

	mount_all();
	/* Once more for those that need a later one. */
	load_modules();
	load_modules();
	fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
	if (fd >= 0 && fd != RESULT_FD) {
		dup2(fd, RESULT_FD);
		close(fd);
	}
	make_raw();
}

static void put_release(void)
{
	char text[128];
	size_t len = read_file("/proc/sys/kernel/osrelease", text, sizeof(text));

	put("{\"kernel\":");
	put_text(text, len ? len - 1 : 0);
	put(",\"cpus\":%ld,\"mem_total\":%llu}", sysconf(_SC_NPROCESSORS_ONLN),
	    (unsigned long long)meminfo_pages("MemTotal:"));
	end_line();
}

static void do_job(const char *job, uint64_t seed)
{
	if (strcmp(job, "limits") == 0)
		limits_all();
	else if (strcmp(job, "steps") == 0)
		steps_all(seed);
	else if (strcmp(job, "oom") == 0)
		oom_all(seed);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "limit") == 0)
		return limits_one(argc, argv);
	if (argc > 1 && strcmp(argv[1], "step") == 0)
		return steps_one(argc, argv);
	if (argc > 1 && strcmp(argv[1], "actor") == 0)
		return oom_one(argc, argv);
	if (getpid() != 1) {
		(void)!write(2, "this is /init of an emulated machine\n", 37);
		return 2;
	}
	begin();
	put_release();
	/* "JOB[:SEED]" behind "--" on the kernel's command line. */
	for (int i = 1; i < argc; i++) {
		char *colon = strchr(argv[i], ':');

		if (colon)
			*colon = '\0';
		do_job(argv[i], colon ? strtoull(colon + 1, NULL, 10) : 0);
	}
	put("{\"end\":true}");
	end_line();
	(void)tcdrain(RESULT_FD);
	reboot(RB_AUTOBOOT);
	return 0;
}
