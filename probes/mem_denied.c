/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is refused: it lets a library be recognised by its file alone. */
#include "probes/mem_live.h"

static size_t denied_read(struct memory *mem, uint64_t addr, void *buf, size_t len,
                          enum mem_status *ret_status)
{
	(void)mem, (void)addr, (void)buf, (void)len;
	*ret_status = MEM_DENIED;
	return 0;
}

static void denied_gather(struct memory *mem, struct mem_piece *pieces, size_t count)
{
	(void)mem;
	for (size_t i = 0; i < count; i++)
		pieces[i].status = MEM_DENIED;
}

static size_t denied_pages(struct memory *mem, uint64_t start, uint64_t end,
                           struct mem_range *ranges, size_t room)
{
	(void)mem, (void)start, (void)end, (void)ranges, (void)room;
	return 0;
}

static const struct memory_ops denied_ops = { .read = denied_read,
	                                      .gather = denied_gather,
	                                      .pages = denied_pages };

struct memory *mem_denied(void)
{
	static struct memory denied = { .ops = &denied_ops };

	return &denied;
}
