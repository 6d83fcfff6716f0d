/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAPTOP_TUI_JSON_OUT_H
#define HEAPTOP_TUI_JSON_OUT_H

/**
 * Private to json_*.c: the sections of `heaptop.snapshot/1`, each written by its own file. docs/json.md
 * is the schema; keys are added to it, never renamed.
 */
#include "tui/json_stream.h"
#include "tui/report.h"

#define JSON_SCHEMA "heaptop.snapshot/1"

/** libc{…} and malloc{…}. */
void json_out_libc(struct json_stream *out, const struct report *report);
void json_out_malloc(struct json_stream *out, const struct report *report);

/** brk and vmas[…]. */
void json_out_vmas(struct json_stream *out, const struct report *report);

/** commit{…}, system{…}, cgroup{…}, oom{…}. */
void json_out_system(struct json_stream *out, const struct report *report);

#endif
