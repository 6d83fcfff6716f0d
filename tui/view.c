/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/view.h"

#include <stdlib.h>

const struct view_ops *const views[VIEW_COUNT] = {
	[VIEW_OVERVIEW] = &view_overview, [VIEW_ARENAS] = &view_arenas,
	[VIEW_MAP] = &view_map,           [VIEW_VMAS] = &view_vmas,
	[VIEW_OOM] = &view_oom,           [VIEW_TIMELINE] = &view_timeline,
	[VIEW_EVENTS] = &view_events,     [VIEW_THREADS] = &view_threads,
	[VIEW_SETUP] = &view_setup,       [VIEW_HELP] = &view_help,
};

void view_state_fini(struct view_state *state)
{
	free(state->rows.at);
	free(state->groups.at);
	*state = (struct view_state){ 0 };
}
