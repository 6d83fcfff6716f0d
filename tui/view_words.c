/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences for what cannot be shown: what it is, why, and what still works. */
#include <stdio.h>
#include <string.h>

#include "tui/view_parts.h"

static const char *allocator_name(enum allocator_kind kind)
{
	switch (kind) {
	case ALLOCATOR_GLIBC:
		return "glibc";
	case ALLOCATOR_MUSL:
		return "musl";
	case ALLOCATOR_JEMALLOC:
		return "jemalloc";
	case ALLOCATOR_TCMALLOC:
		return "tcmalloc";
	case ALLOCATOR_MIMALLOC:
		return "mimalloc";
	case ALLOCATOR_OTHER:
		return "an allocator of its own";
	case ALLOCATOR_UNKNOWN:
	case ALLOCATOR_KIND_COUNT:
		break;
	}
	return NULL;
}

void libc_words(const struct heap_facts *heap, char *to, size_t size)
{
	const char *word = heap ? libc_kind_word(heap) : "?";
	bool is_glibc = heap && heap->libc_kind == LIBC_GLIBC;
	char version[3 * sizeof(heap->version)] = "";

	if (heap)
		text_clean(version, sizeof(version), heap->version,
		           strnlen(heap->version, sizeof(heap->version)));
	/* The version is the library's, not the allocator's that stands in front of it. */
	if (is_glibc && strcmp(word, "glibc") != 0)
		(void)snprintf(to, size, "%s, glibc %s", word, version);
	else
		(void)snprintf(to, size, "%s%s%s", word, version[0] ? " " : "", version);
}

/* Who serves malloc when it is not a glibc that heaptop decodes. */
static void other_allocator(const struct heap_facts *heap, char *to, size_t size)
{
	const char *name = allocator_name(heap->allocator);
	char module[80] = "";

	if (heap->interposer)
		text_clean(module, sizeof(module), heap->interposer, strlen(heap->interposer));
	if (heap->runtime && heap->libc_kind == LIBC_NONE)
		(void)snprintf(
		        to, size,
		        "a %s program without a C library: its runtime manages its own heap. "
		        "VMAs, commit and OOM are complete.",
		        heap->runtime);
	else if (name && heap->allocator != ALLOCATOR_GLIBC)
		(void)snprintf(to, size,
		               "malloc is served by %s%s%s%s; heaptop decodes glibc's malloc only. "
		               "VMAs, commit and OOM are complete.",
		               name, module[0] ? " (" : "", module, module[0] ? ")" : "");
	else if (heap->libc_kind == LIBC_GLIBC || heap->libc_kind == LIBC_STATIC_GLIBC)
		(void)snprintf(to, size,
		               "a glibc is there, but malloc's state was not found in it; `heaptop "
		               "doctor PID` says which roads were tried. VMAs, commit and OOM are "
		               "complete.");
	else
		(void)snprintf(to, size,
		               "no malloc that heaptop decodes was found. VMAs, commit and OOM are "
		               "complete.");
}

/* True when the process itself says why nothing of its memory can be read. */
static bool process_absence(const struct process_facts *process, char *to, size_t size)
{
	if (!process)
		return false;
	if (process->access_denied) {
		char why[sizeof(process->denied_why)];

		text_clean(why, sizeof(why), process->denied_why, strlen(process->denied_why));
		(void)snprintf(to, size,
		               "? no access to its memory: %s. Commit, OOM and cgroup need none "
		               "and are complete.",
		               why[0] ? why : "needs the same user or CAP_SYS_PTRACE");
		return true;
	}
	if (process->life == PROCESS_KTHREAD)
		(void)snprintf(to, size, "a kernel thread: it has no memory of its own");
	else if (process->life == PROCESS_ZOMBIE)
		(void)snprintf(to, size,
		               "a zombie: its memory is gone, its parent has not reaped it");
	else
		return false;
	return true;
}

/* Another allocator stands in front of glibc's. */
static bool is_foreign(const struct heap_facts *heap)
{
	return heap->allocator != ALLOCATOR_GLIBC && allocator_name(heap->allocator);
}

void malloc_absence(const struct snapshot *snap, char *to, size_t size)
{
	const struct heap_facts *heap = snapshot_heap(snap);
	const struct malloc_state *ms = snapshot_malloc(snap);

	to[0] = '\0';
	if (ms && ms->is_used)
		return;
	if (process_absence(snapshot_process(snap), to, size))
		return;
	if (!heap)
		(void)snprintf(to, size, "… malloc's state has not been read yet");
	else if (ms && !is_foreign(heap))
		(void)snprintf(to, size, "the program has not called malloc yet");
	else
		other_allocator(heap, to, size);
}

void vmas_absence(const struct snapshot *snap, char *to, size_t size)
{
	const struct vma_set *vmas = snapshot_vmas(snap);

	to[0] = '\0';
	if (vmas && vmas->count)
		return;
	if (process_absence(snapshot_process(snap), to, size))
		return;
	if (vmas)
		(void)snprintf(to, size, "the process has no mappings: it is ending or has ended");
	else
		(void)snprintf(to, size, "… the mappings have not been read yet");
}
