/* SPDX-License-Identifier: MIT
 *
 * cmd_store_read.c - what a store knows of a window (cmd_store.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../dissect/pipeline.h"
#include "cmd_store.h"
#include "command.h"

#define NS 1000000000u
/* The follower may make a day of hours while they are read: then everything is read again. */
#define TRIES 10

struct asking {
	const char *path;
	const struct zone *zone;
	uint64_t from_ns, to_ns; /* to: UINT64_MAX = not bounded */
};

/* A window cannot take a part of a ledger. */
static int refuse_cut(const struct asking *ask, uint64_t at_ns, uint64_t from_ns, uint64_t to_ns)
{
	char at[80], from[80], to[80];

	return command_complain(EXIT_USAGE,
	                        "%s holds sums from %s to %s as one: a window may begin and end at "
	                        "these, not at %s",
	                        ask->path,
	                        zone_text(ask->zone, (int64_t)(from_ns / NS), from, sizeof(from)),
	                        zone_text(ask->zone, (int64_t)(to_ns / NS), to, sizeof(to)),
	                        zone_text(ask->zone, (int64_t)(at_ns / NS), at, sizeof(at)));
}

/* 0: wholly inside or outside of the window. */
static int check_cut(const struct asking *ask, uint64_t from_ns, uint64_t to_ns)
{
	if (ask->from_ns > from_ns && ask->from_ns < to_ns)
		return refuse_cut(ask, ask->from_ns, from_ns, to_ns);
	if (ask->to_ns > from_ns && ask->to_ns < to_ns)
		return refuse_cut(ask, ask->to_ns, from_ns, to_ns);
	return 0;
}

static bool asked(const struct asking *ask, uint64_t from_ns, uint64_t to_ns)
{
	return from_ns >= ask->from_ns && to_ns <= ask->to_ns;
}

static uint64_t at_ns(int64_t utc_s)
{
	return utc_s > 0 ? (uint64_t)utc_s * NS : 0;
}

static int add_ledgers(const struct asking *ask, int directory, const struct store_list *list,
                       struct ledger *into, bool *again)
{
	char message[300];

	for (size_t i = 0; i < list->n; i++) {
		const struct store_entry *row = &list->rows[i];
		uint64_t from_ns = at_ns(row->from_s), to_ns = at_ns(row->to_s);
		int code = check_cut(ask, from_ns, to_ns), error;

		if (code != 0)
			return code;
		if (!asked(ask, from_ns, to_ns))
			continue;
		error = store_add(directory, row->name, into, message, sizeof(message));
		*again = error == -ENOENT;
		if (*again)
			return 0;
		if (error != 0)
			return store_complain(ask->path, row, message);
	}
	return 0;
}

/* What is still open when the store ends. */
static int add_open(const struct asking *ask, const struct store_current *current,
                    struct ledger *into)
{
	struct pipeline_options options = {.origin = current->cursor.origin};
	struct ledger open;
	char message[300] = "";
	FILE *in = fmemopen(current->state, current->state_bytes, "r");
	struct pipeline *pipeline;
	int code = 0;

	ledger_init(&open);
	pipeline = in ? pipeline_resume(&open, &options, in, message, sizeof(message)) : NULL;
	if (in)
		fclose(in);
	if (!pipeline)
		code = command_complain(EXIT_BAD_DATA, "%s/current: its state %s", ask->path,
		                        message);
	if (pipeline)
		pipeline_finish(pipeline, NULL, 0, NULL, 0);
	pipeline_free(pipeline);
	if (code == 0 && !ledger_merge(into, &open))
		code = command_complain(EXIT_INTERNAL, "out of memory");
	ledger_release(&open);
	return code;
}

static int add_current(const struct asking *ask, const struct store_current *current,
                       struct ledger *into)
{
	uint64_t until = current->cursor.until_ns, hour = current->cursor.hour_ns;
	uint64_t end = ask->to_ns >= until ? ask->to_ns : until;
	int code = check_cut(ask, hour, until);

	/* what is open at the end of a window counts where it closes, now and later */
	if (code != 0 || ask->to_ns <= hour || !asked(ask, hour, end))
		return code;
	if (!ledger_merge(into, &current->hour))
		return command_complain(EXIT_INTERNAL, "out of memory");
	return current->state ? add_open(ask, current, into) : 0;
}

/* A window that reaches beyond what is known is told as one. */
static void tell_reach(const struct asking *ask, const struct store_list *list,
                       const struct follow_cursor *cursor)
{
	uint64_t first = list->n ? at_ns(list->rows[0].from_s) : cursor->hour_ns;
	char from[80], to[80];

	if (ask->from_ns >= first && (ask->to_ns <= cursor->until_ns || ask->to_ns == UINT64_MAX))
		return;
	if (ask->from_ns == 0 && (ask->to_ns <= cursor->until_ns || ask->to_ns == UINT64_MAX))
		return;
	command_complain(EXIT_PASS, "%s knows of the time from %s to %s", ask->path,
	                 zone_text(ask->zone, (int64_t)(first / NS), from, sizeof(from)),
	                 zone_text(ask->zone, (int64_t)(cursor->until_ns / NS), to, sizeof(to)));
}

static int read_once(const struct asking *ask, int directory, struct ledger *into, bool *again)
{
	struct store_current *current = malloc(sizeof(*current));
	struct store_list list = {0};
	struct ledger sum;
	int error, code = 0;

	*again = false;
	if (!current)
		return command_complain(EXIT_INTERNAL, "out of memory");
	store_current_init(current);
	ledger_init(&sum);
	error = store_load(directory, current);
	if (error == 0)
		store_list(directory, &current->cursor, &list, &error);
	if (error != 0)
		code = command_complain(error == -EACCES ? EXIT_DENIED : EXIT_BAD_DATA,
		                        "%s: not a store of mptcp-audit follow: %s", ask->path,
		                        error == -EBADMSG ? "its file \"current\" is damaged: put a copy of "
		                                            "it back, or follow into a new directory"
		                                          : strerror(-error));
	if (code == 0)
		code = add_ledgers(ask, directory, &list, &sum, again);
	if (code == 0 && !*again)
		code = add_current(ask, current, &sum);
	if (code == 0 && !*again) {
		tell_reach(ask, &list, &current->cursor);
		if (!ledger_merge(into, &sum))
			code = command_complain(EXIT_INTERNAL, "out of memory");
	}
	ledger_release(&sum);
	store_list_release(&list);
	store_current_release(current);
	free(current);
	return code;
}

int store_read(const char *path, const struct zone *zone, uint64_t from_ns, uint64_t to_ns,
               struct ledger *into)
{
	struct asking ask = {path, zone, from_ns, to_ns ? to_ns : UINT64_MAX};
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;
	bool again = true;

	if (directory < 0)
		return command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "%s: %s",
		                        path, strerror(errno));
	for (unsigned i = 0; i < TRIES && again && code == 0; i++)
		code = read_once(&ask, directory, into, &again);
	if (again && code == 0)
		code = command_complain(EXIT_NO_INPUT, "%s changes too fast to be read; try again",
		                        path);
	close(directory);
	return code;
}
