/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as status, stat, statm and limits. */
#include <stdlib.h>
#include <string.h>

#include "probes/parse_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct process_facts facts = { 0 };
	struct status_extra extra;
	struct stat_facts stat;
	struct statm_facts statm;

	(void)parse_status(text, size, &facts, &extra);
	parse_limits(text, size, &facts);
	(void)parse_statm(text, size, &statm);
	if (facts.ppid < 0 || facts.thread_count < 0 || facts.ns_pid < 0)
		abort();
	if (parse_stat(text, size, &stat) &&
	    (memchr(stat.comm, 0, sizeof(stat.comm)) == NULL || stat.pid < 0 || stat.ppid < 0))
		abort();
	return 0;
}
