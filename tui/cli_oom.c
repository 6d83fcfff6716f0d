/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `heaptop oom`: who would be killed, on this machine or in a table that is given. */
#include <errno.h>
#include <string.h>

#include "probes/probes.h"
#include "tui/cli.h"
#include "tui/oom_case.h"

struct oom_options {
	bool json;
	const char *cgroup, *tasks;
	const struct linux_rules *rules; /* NULL: the running kernel's */
};

static bool read_options(int argc, char **argv, struct oom_options *ret, struct err *reterr)
{
	struct cli_args args;
	const char *kernel;
	int major, minor;

	if (!cli_parse("oom", argc, argv, &args, reterr) || !cli_no_operands(&args, reterr))
		return false;
	*ret = (struct oom_options){ .json = cli_value(&args, "json"),
		                     .cgroup = cli_value(&args, "cgroup"),
		                     .tasks = cli_value(&args, "tasks") };
	kernel = cli_value(&args, "kernel");
	if (kernel && !cli_parse_kernel(kernel, &major, &minor, reterr))
		return false;
	if (kernel)
		ret->rules = linux_rules_for(major, minor);
	if (ret->cgroup && ret->tasks) {
		err_set(reterr, ERR_USAGE, 0, "--cgroup", "can't go with --tasks");
		err_remedy(reterr, "In the file, \"limit\" is the cgroup's limit in pages.");
		return false;
	}
	return true;
}

static const struct linux_rules *running_rules(const struct system_facts *sys)
{
	return linux_rules_for(sys->kernel_major, sys->kernel_minor);
}

/* --- a table from a file ---------------------------------------------------------------------- */

static json_t *load(const char *name, struct err *reterr)
{
	bool is_stdin = strcmp(name, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(name, "re");
	json_error_t error;
	json_t *root;

	if (!file) {
		err_set(reterr, errno == EACCES ? ERR_PERMISSION : ERR_FAILED, errno, name,
		        strerrordesc_np(errno));
		return NULL;
	}
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	if (!is_stdin)
		(void)fclose(file);
	if (!root)
		err_setf(reterr, ERR_USAGE, name, "line %d: not JSON: %s", error.line, error.text);
	return root;
}

static bool from_file(const struct oom_options *options, struct region *region,
                      struct oom_case *ret, struct err *reterr)
{
	json_t *root = load(options->tasks, reterr);
	bool ok = root && oom_case_from_json(root, options->tasks, region, ret, reterr);

	json_decref(root);
	return ok;
}

/* --- this machine ----------------------------------------------------------------------------- */

/* Only the tasks of the cgroup that is out of memory are looked at. */
static bool keep_domain(const struct oom_table *all, struct region *region, struct oom_table *ret)
{
	ret->tasks = region_alloc(region, all->count * sizeof(*ret->tasks));
	if (!ret->tasks)
		return false;
	for (size_t i = 0; i < all->count; i++)
		if (all->tasks[i].in_domain)
			ret->tasks[ret->count++] = all->tasks[i];
	ret->unreadable = all->unreadable;
	ret->totalpages = all->domain_totalpages ? all->domain_totalpages : all->totalpages;
	return true;
}

static bool from_host(const struct oom_options *options, const struct snapshot *snap,
                      struct region *region, struct oom_case *ret, struct err *reterr)
{
	const struct system_facts *sys = snapshot_system(snap);
	const struct cgroup_facts *cgroup = snapshot_cgroup(snap);

	*ret = (struct oom_case){
		.cgroup = cgroup ? cgroup->path : NULL,
		.has_kernel_scores = !options->rules || options->rules == running_rules(sys),
		.page_size = sys->page_size,
		.mem_total_pages = fact_or(sys->mem_total, 0) / sys->page_size,
		.swap_total_pages = fact_or(sys->swap_total, 0) / sys->page_size,
		.call = { .constraint = cgroup ? OOM_CONSTRAINT_MEMCG : OOM_CONSTRAINT_NONE,
		          .panic_on_oom = fact_or(sys->panic_on_oom, 0) },
	};
	if (!keep_domain(snapshot_oom(snap), region, &ret->table))
		return err_set(reterr, ERR_NO_MEMORY, ENOMEM, "the ranking", "out of memory");
	ret->rules = running_rules(sys);
	return true;
}

static bool make_case(const struct oom_options *options, const struct snapshot *snap,
                      struct region *region, struct oom_case *ret, struct err *reterr)
{
	bool ok = options->tasks ? from_file(options, region, ret, reterr)
	                         : from_host(options, snap, region, ret, reterr);

	if (ok && options->rules)
		ret->rules = options->rules;
	else if (ok && !ret->rules)
		ret->rules = &linux_rows[linux_row_count - 1];
	return ok;
}

static int print_case(const struct oom_options *options, struct oom_case *oom)
{
	struct err err;

	oom_case_decide(oom);
	if (!options->json) {
		oom_case_write_text(stdout, oom);
	} else if (!oom_case_write_json(stdout, oom) && !ferror(stdout)) {
		err_set(&err, ERR_NO_MEMORY, ENOMEM, "the JSON text", "out of memory");
		return cli_fail(&err);
	}
	/* Whoever closed the pipe has read enough. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
		err_set(&err, ERR_FAILED, errno, "standard output", strerrordesc_np(errno));
		return cli_fail(&err);
	}
	return CLI_EXIT_OK;
}

int cli_oom(int argc, char **argv)
{
	const struct snapshot *snap = NULL;
	struct region *region = region_new();
	struct oom_options options;
	struct oom_case oom;
	struct err err;
	int code;

	if (!region) {
		err_set(&err, ERR_NO_MEMORY, ENOMEM, "the ranking", "out of memory");
		return cli_fail(&err);
	}
	if (!read_options(argc, argv, &options, &err) ||
	    (!options.tasks && !host_snapshot(options.cgroup, &snap, &err)) ||
	    !make_case(&options, snap, region, &oom, &err))
		code = cli_fail(&err);
	else
		code = print_case(&options, &oom);
	snapshot_unref(snap);
	region_free(region);
	return code;
}
