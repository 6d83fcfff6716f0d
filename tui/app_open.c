/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be done with the selection: follow it, explain it, copy it; and the snapshot, exported. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/app_private.h"
#include "tui/report.h"

enum { COPY_TEXT = 512 };

static const struct view_ops *prepared_view(struct app *app, struct view_frame *ret)
{
	const struct view_ops *ops = app_view(app->view);

	*ret = app_view_frame(app);
	if (ret->snap && ops->prepare)
		ops->prepare(ret);
	return ret->snap ? ops : NULL;
}

void app_open_selection(struct app *app)
{
	struct popup *popup = &app->popup;
	struct view_target target;
	struct view_frame frame;
	const struct view_ops *ops = prepared_view(app, &frame);
	struct view_words words = { text_in(popup->title, sizeof(popup->title)),
		                    text_in(popup->body, sizeof(popup->body)) };

	if (!ops)
		return;
	if (ops->open && ops->open(&frame, &target)) {
		app->states[target.view].selected = target.selected;
		/* A filter might hide the object; one that the view itself has set shows it. */
		if (target.view != app->view)
			app->states[target.view].filter[0] = '\0';
		app_go_to(app, target.view);
		return;
	}
	popup->top = 0;
	/* Nothing is selected yet: the first thing there is to select. */
	if (!frame.state->selected && frame.state->item_count)
		frame.state->selected = frame.state->items[0].key;
	popup->is_open = ops->explain && ops->explain(&frame, &words);
	if (!popup->is_open)
		app_say(app, ROLE_STATUS_INFO, "nothing is selected: ↑ and ↓ select");
}

/* An open pop-up goes on with the sample on screen; of an object that is gone the last words stay. */
void app_refresh_popup(struct app *app, const struct view_ops *ops, const struct view_frame *frame)
{
	char title[POPUP_TITLE], body[POPUP_TEXT];
	struct view_words words = { text_in(title, sizeof(title)), text_in(body, sizeof(body)) };

	if (!app->popup.is_open || !ops->explain || !ops->explain(frame, &words))
		return;
	memcpy(app->popup.title, title, sizeof(title));
	memcpy(app->popup.body, body, sizeof(body));
}

void app_copy_selection(struct app *app)
{
	char line[COPY_TEXT];
	struct text text = text_in(line, sizeof(line));
	struct view_frame frame;
	const struct view_ops *ops = prepared_view(app, &frame);

	if (!ops || !ops->copy || !ops->copy(&frame, &text)) {
		app_say(app, ROLE_STATUS_INFO, "nothing here to copy");
		return;
	}
	if (term_copy(line))
		app_say(app, ROLE_STATUS_INFO, "copied: %s", line);
	else
		app_say(app, ROLE_STATUS_WARN,
		        "this terminal offers no clipboard; e exports to a file");
}

/* --- export ----------------------------------------------------------------------------------- */

void app_ask_export(struct app *app)
{
	const struct process_facts *process = app->shown ? snapshot_process(app->shown) : NULL;
	char line[LINE_ROOM];

	(void)snprintf(line, sizeof(line), "export heaptop-%d-%" PRIu64 ".json",
	               process ? process->id.pid : 0, app->shown ? app->shown->sample.seq : 0);
	prompt_open(&app->prompt, PROMPT_COMMAND, line);
}

static bool is_json(const char *name)
{
	size_t len = strlen(name);

	return len >= 5 && strcmp(name + len - 5, ".json") == 0;
}

static bool write_snapshot(const struct app *app, FILE *out, bool as_json)
{
	struct report *report = calloc(1, sizeof(*report));
	bool ok = report != NULL;

	if (ok) {
		report_init(report, app->shown);
		report->wants_vmas = true;
		if (as_json)
			ok = json_write_snapshot(out, report);
		else
			text_write_snapshot(out, report);
	}
	free(report);
	return ok && !ferror(out);
}

/* A file that is there already is somebody's: it is never written over. */
void app_export(struct app *app, const char *name)
{
	int fd;
	FILE *out;
	bool ok;

	if (!app->shown || !*name) {
		app_say(app, ROLE_STATUS_ERROR, "export needs the name of a new file");
		return;
	}
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out) {
		app_say(app, ROLE_STATUS_ERROR, "%s: %s", name, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	ok = write_snapshot(app, out, is_json(name));
	if (fclose(out) != 0 || !ok) {
		app_say(app, ROLE_STATUS_ERROR, "%s: could not be written", name);
		(void)unlink(name);
	} else {
		app_say(app, ROLE_STATUS_OK, "snapshot #%" PRIu64 " written to %s",
		        app->shown->sample.seq, name);
	}
}

/* --- going to a place --------------------------------------------------------------------------- */

void app_ask_goto(struct app *app)
{
	prompt_open(&app->prompt, PROMPT_COMMAND, "goto ");
}

/* The mapping that holds an address; its key is the start + 1, see view_vmas.c. */
static bool go_to_addr(struct app *app, uint64_t addr)
{
	const struct vma_set *set = snapshot_vmas(app->shown);
	const struct vma *v = set ? vma_find(set, addr) : NULL;

	if (!v)
		return false;
	app->states[VIEW_VMAS].filter[0] = '\0';
	app->states[VIEW_VMAS].selected = v->start + 1;
	app_go_to(app, VIEW_VMAS);
	return true;
}

static bool go_to_pid(struct app *app, uint64_t pid)
{
	const struct oom_table *oom = snapshot_oom(app->shown);

	for (size_t i = 0; oom && i < oom->count; i++) {
		if ((uint64_t)oom->tasks[i].pid != pid)
			continue;
		app->states[VIEW_OOM].filter[0] = '\0';
		app->states[VIEW_OOM].selected = pid;
		app_go_to(app, VIEW_OOM);
		return true;
	}
	return false;
}

/* Addresses are hexadecimal on the screens, with or without 0x; what has only digits may be a pid. */
void app_goto(struct app *app, const char *word)
{
	char *end;
	uint64_t pid = strtoull(word, &end, 10);
	bool is_pid = *word && !*end;
	uint64_t addr = strtoull(word, &end, 16);

	if (!app->shown || !*word || *end)
		app_say(app, ROLE_STATUS_ERROR, "goto takes an address or a pid");
	else if (!(is_pid && go_to_pid(app, pid)) && !go_to_addr(app, addr))
		app_say(app, ROLE_STATUS_WARN, "%s lies in no mapping and is no process", word);
}
