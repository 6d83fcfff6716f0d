/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/user_names.h"

#include <pwd.h>

#include "model/base/text.h"

static void ask(uint32_t uid, char name[USER_NAME_SIZE])
{
	struct passwd entry, *found = NULL;
	char strings[4096]; /* an entry that needs more than this goes without a name */

	name[0] = '\0';
	if (getpwuid_r(uid, &entry, strings, sizeof(strings), &found) == 0 && found)
		text_copy(name, USER_NAME_SIZE, found->pw_name);
}

const char *user_names_find(struct user_names *names, uint32_t uid)
{
	size_t known = names->count < USER_NAMES_KEPT ? names->count : USER_NAMES_KEPT, i;

	for (i = 0; i < known; i++)
		if (names->kept[i].uid == uid)
			return names->kept[i].name;
	i = names->count++ % USER_NAMES_KEPT;
	names->kept[i].uid = uid;
	ask(uid, names->kept[i].name);
	return names->kept[i].name;
}
