/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_hand.c - what becomes of the spool's files once their sums are stored (cmd_follow.h).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_follow.h"
#include "command.h"
#include "report.h"

#define PACKETS "packets"

/* Names of files; owned. */
struct names {
	char **rows;
	size_t n, cap;
};

static bool add_name(struct names *names, const char *name)
{
	if (names->n == names->cap) {
		size_t more = names->cap ? names->cap * 2 : 16;
		char **rows = realloc(names->rows, more * sizeof(*rows));

		if (!rows)
			return false;
		names->rows = rows;
		names->cap = more;
	}
	names->rows[names->n] = strdup(name);
	return names->rows[names->n] && ++names->n;
}

static void release_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->rows[i]);
	free(names->rows);
}

/* ---- which files ---- */

/* Counted and stored, and looked at by nobody yet. */
static bool is_new(const struct follow_series *series, int64_t sequence)
{
	return sequence > series->handed && sequence <= series->sequence;
}

/* ... by everybody; and not the newest of its WAN, so that the recorder's numbers go on. */
static bool is_done(const struct follow_series *series, int64_t sequence)
{
	return sequence < series->sequence;
}

static bool list_files(const struct follow *f, struct names *names,
                       bool (*want)(const struct follow_series *series, int64_t sequence))
{
	const struct follow_cursor *cursor = &f->current->cursor;
	int fd = openat(f->reader.directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *row;
	struct spool_name name;
	bool good = directory != NULL;

	if (!directory && fd >= 0)
		close(fd);
	while (good && (row = readdir(directory))) {
		if (!spool_name_parse(&name, row->d_name) || name.part)
			continue;
		for (size_t i = 0; good && i < cursor->n; i++)
			if (strcmp(cursor->series[i].key, name.wan) == 0 &&
			    want(&cursor->series[i], (int64_t)name.sequence))
				good = add_name(names, row->d_name);
	}
	if (directory)
		closedir(directory);
	return good;
}

/* ---- packets that are worth keeping ---- */

/* The running hour and the one before it: what files of now can be evidence of. */
static bool gather(const struct follow *f, struct ledger *ledger)
{
	struct store_list list;
	char message[300];
	int error = 0;
	bool good = store_list(f->store.directory, &f->current->cursor, &list, &error);

	for (size_t i = list.n; good && i-- > 0;) {
		if (list.rows[i].kind != STORE_HOUR)
			continue;
		/* an hour that cannot be read is evidence of nothing */
		if (store_add(f->store.directory, list.rows[i].name, ledger, message,
		              sizeof(message)) != 0)
			store_complain(f->path, &list.rows[i], message);
		break;
	}
	store_list_release(&list);
	return good && ledger_merge(ledger, &f->current->hour) && ledger_sort(ledger);
}

static void keep_files(struct follow *f, const struct names *names)
{
	const struct report_options how = {.version = MPTCP_AUDIT_VERSION,
	                                   .generated_ns = f->current->cursor.until_ns,
	                                   .filter = f->intake.filter,
	                                   .zone = &f->intake.zone};
	struct ledger ledger;
	struct report report;
	char message[700] = "out of memory";
	bool good;

	ledger_init(&ledger);
	good = gather(f, &ledger) && report_build(&report, &ledger, &f->intake.policy, &how,
	                                          message, sizeof(message)) == REPORT_FINE;
	if (!good) {
		command_complain(EXIT_PASS, "%s/" PACKETS ": %s", f->path, message);
	} else {
		if (keep_pass(f->keep, f->reader.directory, (const char *const *)names->rows,
		              names->n, &report) != 0)
			command_complain(EXIT_PASS, "%s/" PACKETS ": %s", f->path,
			                 keep_trouble(f->keep));
		report_release(&report);
	}
	ledger_release(&ledger);
}

int follow_open_packets(struct follow *f)
{
	struct keep_options options = {.budget = f->budget};
	int error = 0;

	if (!f->keeps)
		return 0;
	f->shifts = calloc(f->intake.n_shifts + 1, sizeof(*f->shifts));
	if (!f->shifts)
		return command_complain(EXIT_INTERNAL, "out of memory");
	for (size_t i = 0; i < f->intake.n_shifts; i++)
		f->shifts[i] = (struct keep_shift){f->intake.shifts[i].wan, f->intake.shifts[i].ns};
	options.shifts = f->shifts;
	options.n_shifts = f->intake.n_shifts;
	if (mkdirat(f->store.directory, PACKETS, 0750) != 0 && errno != EEXIST)
		error = -errno;
	if (error == 0)
		f->packets = openat(f->store.directory, PACKETS,
		                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (error == 0 && f->packets < 0)
		error = -errno;
	if (error == 0)
		f->keep = keep_open(f->packets, &options, &error);
	return f->keep ? 0
	               : command_complain(EXIT_CANNOT_CREATE, "%s/" PACKETS ": %s", f->path,
	                                  strerror(-error));
}

/* ---- handing over ---- */

void follow_hand_over(struct follow *f)
{
	struct follow_cursor *cursor = &f->current->cursor;
	struct names fresh = {0}, done = {0};
	bool good = true;

	if (f->keep)
		good = list_files(f, &fresh, is_new);
	if (f->keep && good && fresh.n)
		keep_files(f, &fresh);
	for (size_t i = 0; good && i < cursor->n; i++)
		cursor->series[i].handed = cursor->series[i].sequence;
	if (f->remove && good && list_files(f, &done, is_done))
		for (size_t i = 0; i < done.n; i++)
			unlinkat(f->reader.directory, done.rows[i], 0);
	release_names(&fresh);
	release_names(&done);
}
