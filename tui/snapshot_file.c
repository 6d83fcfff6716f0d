/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot read back from JSON: what a world starts from. Taken on any machine, and hostile. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "model/base/text.h"
#include "model/base/units.h"
#include "model/base/vec.h"
#include "model/linux/lx.h"
#include "model/linux/lx_commit_state.h"
#include "model/rules/linux.h"
#include "tui/simulate.h"
#include "tui/snapshot_file_host.h"

#define SCHEMA    "heaptop.snapshot/1"
#define VMAS_MAX  1048576
#define PAGE_SIZE 4096
/* With five levels of page tables, the widest that there are; what is listed above it belongs to the
 * kernel: [vsyscall]. */
#define USER_END ((uint64_t)1 << 56)

static const char remedy[] = "Expected what `heaptop snapshot PID --json` prints.";

static bool refuse(const char *name, const char *where, const char *why, struct err *reterr)
{
	err_setf(reterr, ERR_USAGE, name, "%s: %s", where, why);
	err_remedy(reterr, "%s", remedy);
	return false;
}

static bool no_memory(const char *name, struct err *reterr)
{
	return err_set(reterr, ERR_NO_MEMORY, ENOMEM, name, strerrordesc_np(ENOMEM));
}

/* "0x…" */
static bool read_addr(const json_t *value, uint64_t *ret)
{
	const char *text = json_string_value(value);
	char *end;

	if (!text || strncmp(text, "0x", 2) != 0)
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 16);
	return !errno && end != text + 2 && !*end;
}

static struct fact read_fact(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return fact_unknown();
	return fact_of((uint64_t)json_integer_value(value));
}

/* --- VMAs --------------------------------------------------------------------------------------- */

static bool read_perms(const json_t *value, struct vma *ret)
{
	static const char *const allowed[] = { "-r", "-w", "-x", "ps" };
	static const uint8_t bits[] = { VMA_READ, VMA_WRITE, VMA_EXEC, VMA_SHARED };
	const char *perms = json_string_value(value);

	if (!perms || strlen(perms) != 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		if (perms[i] != allowed[i][0] && perms[i] != allowed[i][1])
			return false;
		if (perms[i] == allowed[i][1])
			ret->prot |= bits[i];
	}
	return true;
}

/* The words that smaps has for what decides here. */
static void read_flags(const json_t *flags, struct vma *ret)
{
	const json_t *word;
	size_t i;

	ret->has_smaps = json_is_array(flags);
	json_array_foreach(flags, i, word)
	{
		const char *text = json_string_value(word);

		for (size_t w = 0; text && w < VMA_FLAG_WORDS; w++)
			if (strcmp(text, vma_flag_words[w].word) == 0)
				ret->flags |= vma_flag_words[w].flag;
	}
}

/* Names of all VMAs one after another. */
struct names {
	char *at;
	size_t len, room;
};

static bool add_name(struct region *region, struct names *names, const char *name, struct vma *vma)
{
	size_t len = name ? strlen(name) : 0, want = names->len + len;

	if (want > UINT32_MAX)
		return false;
	if (want > names->room) {
		size_t room = want * 2;
		char *grown = region_grow(region, names->at, names->room, room);

		if (!grown)
			return false;
		names->at = grown;
		names->room = room;
	}
	if (len)
		memcpy(names->at + names->len, name, len);
	vma->name_at = (uint32_t)names->len;
	vma->name_len = (uint32_t)len;
	names->len = want;
	return true;
}

static bool is_vsyscall(const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));

	return name && strcmp(name, "[vsyscall]") == 0;
}

static const char *read_vma(const json_t *json, uint64_t after, struct vma *ret)
{
	const struct fact offset = read_fact(json, "offset"), inode = read_fact(json, "inode");
	const struct fact rss = read_fact(json, "rss"), swap = read_fact(json, "swap");

	*ret = (struct vma){ .owner = -1, .charge = VMA_CHARGE_UNKNOWN };
	if (!json_is_object(json) || !read_addr(json_object_get(json, "start"), &ret->start) ||
	    !read_addr(json_object_get(json, "end"), &ret->end))
		return "start and end must be addresses \"0x...\"";
	if (ret->start % PAGE_SIZE || ret->end % PAGE_SIZE || ret->start >= ret->end)
		return "start must lie below end, both on a page";
	if (ret->start < after)
		return "VMAs must be sorted and not overlap";
	if (ret->end > USER_END && !is_vsyscall(json))
		return "lies beyond the address space";
	if (!read_perms(json_object_get(json, "perms"), ret))
		return "perms must be as in rw-p";
	read_flags(json_object_get(json, "flags"), ret);
	if (ret->has_smaps)
		ret->charge = ret->flags & VMA_FLAG_AC ? VMA_CHARGE_YES : VMA_CHARGE_NO;
	ret->offset = fact_or(offset, 0);
	ret->inode = fact_or(inode, 0);
	ret->has_residency = fact_known(rss) && fact_known(swap);
	ret->rss = fact_or(rss, 0);
	ret->swap = fact_or(swap, 0);
	/* Of a VMA without a file each page is anonymous. */
	ret->anonymous = fact_or(read_fact(json, "anonymous"), ret->inode ? 0 : ret->rss);
	return NULL;
}

static bool read_vmas(const json_t *list, const char *file, struct part *part, struct err *reterr)
{
	struct vma_set *set = &part->vmas;
	struct names names = { 0 };
	uint64_t after = 0;
	const json_t *json;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > VMAS_MAX)
		return refuse(file, "vmas", "must be a list", reterr);
	set->at = region_alloc(part->region, json_array_size(list) * sizeof(*set->at));
	if (!set->at)
		return no_memory(file, reterr);
	json_array_foreach(list, i, json)
	{
		struct vma *vma = &set->at[set->count];
		const char *why = read_vma(json, after, vma);

		if (why)
			return err_setf(reterr, ERR_USAGE, file, "vmas[%zu]: %s", i, why);
		if (!add_name(part->region, &names,
		              json_string_value(json_object_get(json, "name")), vma))
			return no_memory(file, reterr);
		after = vma->end;
		set->count++;
	}
	set->names = names.at ? names.at : "";
	set->names_len = names.len;
	return true;
}

/* --- the process and its machine ----------------------------------------------------------------- */

static struct fact read_limit(const json_t *limits, const char *key)
{
	const json_t *value = json_object_get(limits, key);

	if (json_is_string(value) && strcmp(json_string_value(value), "unlimited") == 0)
		return fact_of(UINT64_MAX);
	return read_fact(limits, key);
}

static bool read_process(const json_t *root, const char *file, struct process_facts *ret,
                         struct err *reterr)
{
	const json_t *pid = json_object_get(root, "pid"), *comm = json_object_get(root, "comm");
	const json_t *limits = json_object_get(json_object_get(root, "process"), "rlimit");
	uint64_t brk;

	if (!json_is_integer(pid) || json_integer_value(pid) < 1 ||
	    json_integer_value(pid) > INT32_MAX)
		return refuse(file, "pid", "must be a process id", reterr);
	if (!json_is_string(comm))
		return refuse(file, "comm", "must be a text", reterr);
	if (!read_addr(json_object_get(root, "brk"), &brk))
		return refuse(file, "brk", "must be an address \"0x...\"", reterr);
	ret->id.pid = (int32_t)json_integer_value(pid);
	text_copy(ret->comm, sizeof(ret->comm), json_string_value(comm));
	ret->elf_class = 64;
	ret->brk_end = fact_of(brk);
	if (read_addr(json_object_get(root, "brk_start"), &brk))
		ret->brk_start = fact_of(brk);
	ret->limit_as = read_limit(limits, "as");
	ret->limit_data = read_limit(limits, "data");
	ret->limit_stack = read_limit(limits, "stack");
	ret->has_cap_sys_admin =
	        json_is_true(json_object_get(json_object_get(root, "process"), "cap_sys_admin"));
	ret->is_forked = json_is_true(json_object_get(json_object_get(root, "process"), "forked"));
	return true;
}

static void read_kernel(const json_t *system, struct system_facts *ret)
{
	const char *kernel = json_string_value(json_object_get(system, "kernel"));

	if (!kernel)
		return;
	text_copy(ret->kernel_release, sizeof(ret->kernel_release), kernel);
	if (!linux_parse_release(kernel, &ret->kernel_major, &ret->kernel_minor))
		ret->kernel_major = ret->kernel_minor = 0;
}

static struct fact read_thp(const json_t *system)
{
	static const char *const words[] = { "always", "madvise", "never" };
	const char *word = json_string_value(json_object_get(system, "transparent_hugepage"));

	for (uint64_t i = 0; word && i < 3; i++)
		if (strcmp(word, words[i]) == 0)
			return fact_of(i);
	return fact_unknown();
}

static void read_memory(const json_t *system, struct system_facts *ret)
{
	ret->mem_total = read_fact(system, "mem_total");
	ret->mem_free = read_fact(system, "mem_free");
	ret->mem_available = read_fact(system, "mem_available");
	ret->swap_total = read_fact(system, "swap_total");
	ret->swap_free = read_fact(system, "swap_free");
	ret->buffers = read_fact(system, "buffers");
	ret->cached = read_fact(system, "cached");
	ret->swap_cached = read_fact(system, "swap_cached");
	ret->shmem = read_fact(system, "shmem");
	ret->slab_reclaimable = read_fact(system, "slab_reclaimable");
	ret->hugetlb = read_fact(system, "hugetlb");
	ret->thp_mode = read_thp(system);
	ret->committed_as = read_fact(system, "committed_as");
	ret->commit_limit = read_fact(system, "commit_limit");
	ret->totalreserve_pages =
	        read_fact(json_object_get(system, "watermarks_pages"), "totalreserve");
}

static void read_vm(const json_t *vm, struct system_facts *ret)
{
	ret->overcommit_memory = read_fact(vm, "overcommit_memory");
	ret->overcommit_ratio = read_fact(vm, "overcommit_ratio");
	ret->overcommit_kbytes = read_fact(vm, "overcommit_kbytes");
	ret->admin_reserve_kbytes = read_fact(vm, "admin_reserve_kbytes");
	ret->user_reserve_kbytes = read_fact(vm, "user_reserve_kbytes");
	ret->max_map_count = read_fact(vm, "max_map_count");
}

static void fill_in(struct fact *fact, const json_t *object, const char *key)
{
	if (!fact_known(*fact))
		*fact = read_fact(object, key);
}

/* What is shown of commitment, where the files that it comes from are not told. */
static void read_commit(const json_t *commit, struct system_facts *ret)
{
	fill_in(&ret->overcommit_memory, commit, "mode");
	fill_in(&ret->overcommit_ratio, commit, "ratio");
	fill_in(&ret->overcommit_kbytes, commit, "kbytes");
	fill_in(&ret->committed_as, commit, "committed");
}

static uint32_t read_cpus(const json_t *system, const char *key, uint32_t otherwise)
{
	return (uint32_t)min_u64(fact_or(read_fact(system, key), otherwise), 65536);
}

/* False for a machine that can't be. */
static bool read_system(const json_t *root, const char *file, struct system_facts *ret,
                        struct err *reterr)
{
	const json_t *system = json_object_get(root, "system");
	struct lx_commit_state state;
	const char *field, *why;

	read_kernel(system, ret);
	ret->page_size = PAGE_SIZE;
	ret->cpus_online = read_cpus(system, "cpus_online", 0);
	ret->cpus_present = read_cpus(system, "cpus_present", ret->cpus_online);
	read_memory(system, ret);
	read_vm(json_object_get(system, "vm"), ret);
	read_commit(json_object_get(root, "commit"), ret);
	lx_commit_of_facts(ret, NULL, &state);
	if (fact_known(ret->overcommit_memory) && ret->overcommit_memory.v > LX_OVERCOMMIT_NEVER)
		return refuse(file, "vm.overcommit_memory", "must be 0, 1 or 2", reterr);
	return !lx_commit_contradicts(&state, &field, &why) || refuse(file, field, why, reterr);
}

static uint64_t overcommit_mode(const struct snapshot *snap)
{
	const struct system_facts *sys = snapshot_system(snap);

	return sys ? fact_or(sys->overcommit_memory, LX_OVERCOMMIT_GUESS) : LX_OVERCOMMIT_GUESS;
}

/* --- the file ----------------------------------------------------------------------------------------- */

static bool fill(const json_t *root, const char *name, struct snapshot *snap, struct err *reterr)
{
	struct part *process = snap->parts[PART_PROCESS] = part_new(PART_PROCESS, 0);
	struct part *vmas = snap->parts[PART_VMAS] = part_new(PART_VMAS, 0);
	const char *schema = json_string_value(json_object_get(root, "schema"));

	if (!schema || strcmp(schema, SCHEMA) != 0)
		return refuse(name, "schema", "must be \"" SCHEMA "\"", reterr);
	if (!process || !vmas)
		return no_memory(name, reterr);
	snap->sample.source_kind = "snapshot";
	if (!read_process(root, name, &process->process, reterr) ||
	    !read_vmas(json_object_get(root, "vmas"), name, vmas, reterr))
		return false;
	if (json_is_object(json_object_get(root, "system")) ||
	    json_is_object(json_object_get(root, "commit"))) {
		snap->parts[PART_SYSTEM] = part_new(PART_SYSTEM, 0);
		if (!snap->parts[PART_SYSTEM])
			return no_memory(name, reterr);
		if (!read_system(root, name, &snap->parts[PART_SYSTEM]->system, reterr))
			return false;
	}
	/* What flags don't say of a VMA is told by its name and rights. */
	lx_classify_vmas(&vmas->vmas, NULL, &process->process, overcommit_mode(snap));
	return true;
}

bool snapshot_from_json(FILE *file, const char *name, const struct snapshot **ret,
                        struct err *reterr)
{
	struct snapshot *snap;
	json_error_t error;
	json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
	bool ok;

	if (!root) {
		err_setf(reterr, ERR_USAGE, name, "line %d: not JSON: %s", error.line, error.text);
		err_remedy(reterr, "%s", remedy);
		return false;
	}
	snap = snapshot_new();
	ok = snap ? fill(root, name, snap, reterr) &&
	                     snapshot_host_from_json(root, name, snap, reterr)
	          : no_memory(name, reterr);
	json_decref(root);
	if (!ok) {
		snapshot_unref(snap);
		return false;
	}
	*ret = snap;
	return true;
}
