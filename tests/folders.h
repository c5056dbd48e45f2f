/* SPDX-License-Identifier: MIT
 *
 * folders.h - every folder with captures: what holds for all of them is tried on each.
 */
#ifndef TESTS_FOLDERS_H
#define TESTS_FOLDERS_H

#include <CUnit/Basic.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 16, PATH_LEN = 512 };

/* The captures of one folder. */
struct captures {
	char paths[FILES_MAX][PATH_LEN];
	size_t n;
};

static bool is_capture(const char *name)
{
	return strstr(name, ".pcap") || strstr(name, ".dmp") || strstr(name, ".cap");
}

static void captures_of(struct captures *c, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	c->n = 0;
	while (dir && (entry = readdir(dir)) && c->n < FILES_MAX)
		if (is_capture(entry->d_name) && !strstr(entry->d_name, ".long") &&
		    !strstr(entry->d_name, ".out"))
			snprintf(c->paths[c->n++], PATH_LEN, "%s/%s", folder, entry->d_name);
	if (dir)
		closedir(dir);
}

struct walk {
	void (*each)(const struct captures *captures, const char *folder);
	size_t folders;
};

static void walk_folder(struct walk *walk, const char *folder)
{
	struct captures captures;
	struct dirent *entry;
	DIR *dir = opendir(folder);

	captures_of(&captures, folder);
	if (captures.n) {
		walk->folders++;
		walk->each(&captures, folder);
	}
	while (dir && (entry = readdir(dir))) {
		char path[PATH_LEN];
		struct stat st;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			walk_folder(walk, path);
	}
	if (dir)
		closedir(dir);
}

/* Each folder below fixtures/ and, when it is there, below the captures of MPTCP_AUDIT_SHARED
 * (default
 * ../shared). */
static void over_all(void (*each)(const struct captures *, const char *))
{
	struct walk walk = {.each = each};
	char shared[PATH_LEN];
	const char *root = getenv("MPTCP_AUDIT_SHARED");

	walk_folder(&walk, "fixtures");
	CU_ASSERT(walk.folders >= 10);
	snprintf(shared, sizeof(shared), "%s/captures", root ? root : "../shared");
	walk_folder(&walk, shared);
}

#endif
