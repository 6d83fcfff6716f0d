/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/find_libc.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Constants of a program are searched as far as this. */
#define CONSTANTS_MAX ((uint64_t)64 << 20)

/* --- words in a file's constants --------------------------------------------------------------- */

struct text_search {
	const char *const *needles; /* up to 8 */
	size_t count;
	uint32_t hits; /* bit i: needles[i] was seen */
};

static bool search_piece(void *ctx, const uint8_t *bytes, size_t len)
{
	struct text_search *s = ctx;

	for (size_t i = 0; i < s->count; i++) {
		if (!(s->hits & 1u << i) &&
		    memmem(bytes, len, s->needles[i], strlen(s->needles[i])))
			s->hits |= 1u << i;
	}
	return s->hits == 0;
}

/* Which of some texts a file's constants contain, as bits; the search ends with the first. */
static uint32_t search_constants(const struct elf_file *elf, const char *const *needles,
                                 size_t count)
{
	struct text_search s = { .needles = needles, .count = count };

	elf_each_constant(elf, CONSTANTS_MAX, 64, search_piece, &s);
	return s.hits;
}

/* --- roles ------------------------------------------------------------------------------------- */

/* Names by which a module tells what it is. */
enum {
	SYM_MALLOC,
	SYM_GLIBC,
	SYM_LOADER,
	SYM_START_MAIN,
	SYM_BIONIC,
	SYM_MALLCTL,
	SYM_JE_MALLCTL,
	SYM_RUST_MALLCTL,
	SYM_TC_MALLOC,
	SYM_TC_INTERNAL,
	SYM_MI_MALLOC,
	SYM_COUNT
};

static const char *const sym_names[SYM_COUNT] = {
	[SYM_MALLOC] = "malloc",         [SYM_GLIBC] = "gnu_get_libc_version",
	[SYM_LOADER] = "_rtld_global",   [SYM_START_MAIN] = "__libc_start_main",
	[SYM_BIONIC] = "__libc_init",    [SYM_MALLCTL] = "mallctl",
	[SYM_JE_MALLCTL] = "je_mallctl", [SYM_RUST_MALLCTL] = "_rjem_mallctl",
	[SYM_TC_MALLOC] = "tc_malloc",   [SYM_TC_INTERNAL] = "TCMallocInternalMalloc",
	[SYM_MI_MALLOC] = "mi_malloc",
};

static void look_up(const struct elf_file *elf, enum elf_table table,
                    struct elf_symbol syms[SYM_COUNT])
{
	for (size_t i = 0; i < SYM_COUNT; i++)
		syms[i] = (struct elf_symbol){ .name = sym_names[i] };
	elf_symbols(elf, table, syms, SYM_COUNT);
}

static uint32_t allocator_roles(const struct elf_symbol syms[SYM_COUNT])
{
	uint32_t roles = 0;

	if (syms[SYM_MALLCTL].is_defined || syms[SYM_JE_MALLCTL].is_defined ||
	    syms[SYM_RUST_MALLCTL].is_defined)
		roles |= MODULE_JEMALLOC;
	if (syms[SYM_TC_MALLOC].is_defined || syms[SYM_TC_INTERNAL].is_defined)
		roles |= MODULE_TCMALLOC;
	if (syms[SYM_MI_MALLOC].is_defined)
		roles |= MODULE_MIMALLOC;
	return roles;
}

static uint32_t libc_roles(const struct module *module, const struct elf_symbol syms[SYM_COUNT])
{
	static const char *const musl[] = { "musl libc (" };

	if (syms[SYM_LOADER].is_defined)
		return MODULE_LOADER;
	if (syms[SYM_GLIBC].is_defined)
		return MODULE_GLIBC;
	if (strncmp(module->name, "libpthread", 10) == 0)
		return MODULE_PTHREAD;
	if (!syms[SYM_MALLOC].is_defined ||
	    !(syms[SYM_START_MAIN].is_defined || syms[SYM_BIONIC].is_defined))
		return 0;
	return search_constants(module->elf, musl, 1) ? MODULE_MUSL : MODULE_OTHER_LIBC;
}

/* A program that needs no loader brings its C library along, if it has one at all. */
static uint32_t static_roles(const struct elf_file *elf)
{
	/* One of malloc's own messages, in all versions; tunables came with 2.25. */
	static const char *const glibc[] = { "free(): invalid pointer", "GLIBC_TUNABLES" };

	return MODULE_STATIC | (search_constants(elf, glibc, 2) ? MODULE_GLIBC : 0);
}

static uint32_t roles_of_program(const struct elf_file *elf, uint32_t roles)
{
	bool is_go =
	        elf_has_section(elf, ".go.buildinfo") || elf_has_section(elf, ".note.go.buildid");

	if (is_go)
		roles |= MODULE_GO;
	if (!elf->has_interp && !(roles & (MODULE_LOADER | MODULE_GLIBC | MODULE_MUSL)))
		roles |= static_roles(elf);
	return roles;
}

/* When the file can't be had, its name has to do. */
static uint32_t roles_by_name(const struct module *module)
{
	const char *name = module->name;

	if (strcmp(name, "libc.so.6") == 0 || strncmp(name, "libc.so.6 ", 10) == 0 ||
	    strncmp(name, "libc-2.", 7) == 0)
		return MODULE_GLIBC;
	if (strncmp(name, "ld-musl-", 8) == 0)
		return MODULE_MUSL;
	if (strncmp(name, "libpthread", 10) == 0)
		return MODULE_PTHREAD;
	if (strncmp(name, "ld-linux", 8) == 0 || strncmp(name, "ld-2.", 5) == 0)
		return MODULE_LOADER;
	return 0;
}

static uint32_t roles_of(const struct module *module, bool is_exe)
{
	struct elf_symbol syms[SYM_COUNT];
	uint32_t roles;

	if (!module->elf)
		return roles_by_name(module);
	look_up(module->elf, ELF_DYNSYM, syms);
	roles = libc_roles(module, syms);
	if (!roles && syms[SYM_MALLOC].is_defined)
		roles |= MODULE_MALLOC;
	roles |= allocator_roles(syms);
	/* Started through the loader, the program is another file than /proc/PID/exe. */
	if (is_exe || module->elf->type == ET_EXEC || (module->elf->has_interp && !roles))
		roles = roles_of_program(module->elf, roles | MODULE_EXE);
	if (strcmp(module->name, "libjvm.so") == 0)
		roles |= MODULE_JVM;
	return roles;
}

void modules_identify(int32_t pid, struct memory *mem, struct modules *modules)
{
	const uint32_t wanted = MODULE_GLIBC | MODULE_PTHREAD | MODULE_MUSL;
	char path[40];
	struct stat exe = { 0 };

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (stat(path, &exe) != 0)
		exe.st_ino = 0;
	for (size_t i = 0; i < modules->count; i++) {
		struct module *m = &modules->at[i];

		if (module_open(pid, mem, m) && !modules->machine) {
			modules->machine = m->elf->machine;
			modules->word = m->elf->word;
		}
		m->roles = roles_of(m, exe.st_ino && m->first->inode == (uint64_t)exe.st_ino);
		if (!(m->roles & wanted))
			module_close(m);
	}
}

/* --- description ------------------------------------------------------------------------------- */

static const struct module *module_with(const struct modules *modules, uint32_t role)
{
	for (size_t i = 0; i < modules->count; i++) {
		if (modules->at[i].roles & role)
			return &modules->at[i];
	}
	return NULL;
}

/* Libraries that are known allocators first; then whatever else defines malloc. */
static const struct module *find_interposer(const struct modules *modules)
{
	const uint32_t known = MODULE_JEMALLOC | MODULE_TCMALLOC | MODULE_MIMALLOC;
	const struct module *any = NULL;

	for (size_t i = 0; i < modules->count; i++) {
		const struct module *m = &modules->at[i];

		if (!(m->roles & MODULE_MALLOC))
			continue;
		if (m->roles & known)
			return m;
		if (!any)
			any = m;
	}
	return any;
}

static enum libc_kind libc_kind_of(const struct modules *modules, const struct module **ret)
{
	static const struct {
		uint32_t role;
		enum libc_kind kind;
	} order[] = {
		{ MODULE_GLIBC, LIBC_GLIBC },
		{ MODULE_MUSL, LIBC_MUSL },
		{ MODULE_OTHER_LIBC, LIBC_OTHER },
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		*ret = module_with(modules, order[i].role);
		if (*ret && ((*ret)->roles & MODULE_STATIC))
			return LIBC_STATIC_GLIBC;
		if (*ret)
			return order[i].kind;
	}
	/* Only Go is known to do without; everything else has a library we do not know. */
	return module_with(modules, MODULE_GO) || !modules->count ? LIBC_NONE : LIBC_OTHER;
}

bool libc_describe(const struct modules *modules, struct heap_facts *heap)
{
	const struct module *libc = NULL, *interposer = find_interposer(modules);

	heap->libc_kind = libc_kind_of(modules, &libc);
	heap->minor = -1;
	if (libc)
		heap->libc_path = libc->path;
	if (heap->libc_kind == LIBC_MUSL)
		module_musl_version(libc, heap->version);
	if (libc && libc->elf)
		snprintf(heap->build_id, sizeof(heap->build_id), "%s", libc->elf->build_id);
	if (module_with(modules, MODULE_JVM))
		heap->runtime = "Java";
	else if (module_with(modules, MODULE_GO))
		heap->runtime = "Go";
	if (interposer)
		heap->interposer = interposer->name;
	return heap->libc_kind == LIBC_GLIBC || heap->libc_kind == LIBC_STATIC_GLIBC;
}

/* --- who serves malloc ------------------------------------------------------------------------- */

static enum allocator_kind kind_of_roles(uint32_t roles)
{
	if (roles & MODULE_JEMALLOC)
		return ALLOCATOR_JEMALLOC;
	if (roles & MODULE_TCMALLOC)
		return ALLOCATOR_TCMALLOC;
	if (roles & MODULE_MIMALLOC)
		return ALLOCATOR_MIMALLOC;
	return ALLOCATOR_OTHER;
}

/* An allocator linked into the program: by its symbols, or by the texts of its messages. */
static uint32_t linked_in_roles(const struct elf_file *elf)
{
	static const char *const texts[] = { "<jemalloc>", "tcmalloc: large alloc",
		                             "mimalloc: error" };
	struct elf_symbol syms[SYM_COUNT];
	uint32_t roles, hits;

	look_up(elf, ELF_SYMTAB, syms);
	roles = allocator_roles(syms);
	if (roles)
		return roles;
	hits = search_constants(elf, texts, 3);
	return (hits & 1 ? MODULE_JEMALLOC : 0) | (hits & 2 ? MODULE_TCMALLOC : 0) |
	       (hits & 4 ? MODULE_MIMALLOC : 0);
}

static void find_linked_in(int32_t pid, struct memory *mem, const struct modules *modules,
                           struct heap_facts *heap)
{
	for (size_t i = 0; i < modules->count; i++) {
		struct module *m = &modules->at[i];
		const bool was_open = m->elf != NULL;
		uint32_t roles;

		if (!(m->roles & MODULE_EXE) || (m->roles & MODULE_LOADER) ||
		    !module_open(pid, mem, m))
			continue;
		roles = linked_in_roles(m->elf);
		if (!was_open)
			module_close(m);
		if (!roles)
			continue;
		heap->allocator = kind_of_roles(roles);
		heap->interposer = m->name;
		return;
	}
}

void allocator_decide(int32_t pid, struct memory *mem, const struct modules *modules,
                      bool glibc_is_used, struct heap_facts *heap)
{
	const struct module *interposer = find_interposer(modules);

	heap->allocator = ALLOCATOR_UNKNOWN;
	if (glibc_is_used) {
		heap->allocator = ALLOCATOR_GLIBC;
		return;
	}
	if (interposer)
		heap->allocator = kind_of_roles(interposer->roles);
	else
		find_linked_in(pid, mem, modules, heap);
	if (heap->allocator != ALLOCATOR_UNKNOWN)
		return;
	if (heap->libc_kind == LIBC_GLIBC || heap->libc_kind == LIBC_STATIC_GLIBC)
		heap->allocator = ALLOCATOR_GLIBC;
	else if (heap->libc_kind == LIBC_MUSL)
		heap->allocator = ALLOCATOR_MUSL;
}
