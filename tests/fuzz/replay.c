/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over its committed corpus with an ordinary compiler, so that what a fuzzer once
 * found stays found. Speaks TAP; the corpus is tests/fuzz/corpus/PROGRAM/.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_file(const char *path)
{
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (file)
		(void)fclose(file);
	/* An exact copy, so that reading past the end is seen by a sanitizer. */
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		return;
	memcpy(exact, bytes, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	char folder[512], path[1024];
	unsigned number = 0;
	struct dirent *entry;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "%s", argc > 1 ? argv[1] : "");
	if (argc < 2)
		(void)snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("ok %u - %s survives an empty input\n", ++number, name);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		run_file(path);
		printf("ok %u - %s\n", ++number, entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
	printf("1..%u\n", number);
	return 0;
}
