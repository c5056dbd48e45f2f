/* SPDX-License-Identifier: MIT
 *
 * cmd_store.h - what `follow` keeps: a directory with the sums of months, and how far it has come.
 *
 *     current                              cursor, state of the tracker, sums of the running hour
 *     hour-FROM-TO.ledger, day-, month-    sums of that time (UTC, as 20260131T120000Z), zstd
 *     packets                              captures of what proves something, if asked for
 *
 * `current` is replaced as a whole, and it alone says what is true: a ledger that begins behind its
 * hour is of a run that was killed, and is written again; an hour that lies within a day's ledger
 * is a part of it already. So a run that is killed anywhere leaves a store in which nothing is
 * missing and nothing counts twice. Used by the subcommands only; speaks on standard error.
 */
#ifndef REPORT_CMD_STORE_H
#define REPORT_CMD_STORE_H

#include "cmd_follow_cursor.h"
#include "cmd_intake.h"

enum store_kind { STORE_HOUR, STORE_DAY, STORE_MONTH, STORE_KINDS };

/* One ledger of the store. */
struct store_entry {
	enum store_kind kind;
	int64_t from_s, to_s; /* UTC */
	uint64_t turn;        /* follow_cursor.turn when it was written */
	char name[80];
};

struct store_list {
	struct store_entry *rows; /* owned; by time */
	size_t n, cap;
};

struct store {
	char *path;    /* owned */
	int directory; /* owned; locked while it is open for writing */
};

/* What `current` holds. */
struct store_current {
	struct follow_cursor cursor;
	char *state; /* owned; of the tracker; NULL = none yet */
	size_t state_bytes;
	struct ledger hour; /* sums since cursor.hour_ns */
};

void store_current_init(struct store_current *current);
void store_current_release(struct store_current *current);

/* Is the directory a store? */
bool store_is(const char *path);

/* Open for writing: made if need be, refused when somebody else writes there or when it holds
 * something else; `current` is loaded. 0 or an exit code, already explained. */
int store_open(struct store *store, const char *path, struct store_current *current);
void store_close(struct store *store);

/* A ledger of the store at `path` cannot be used, `message` says why: say which one, what it told
 * of, and what to do. Returns EXIT_BAD_DATA. */
int store_complain(const char *path, const struct store_entry *row, const char *message);

/* 0 or -errno: what was there is as it was. */
int store_commit(const struct store *store, const struct store_current *current);
int store_put(const struct store *store, enum store_kind kind, int64_t from_s, int64_t to_s,
              uint64_t turn, const struct ledger *ledger);

/* How long hours and days stay what they are. */
struct store_keeping {
	uint64_t hours_s, days_s;
};
#define STORE_HOURS_S (48u * 3600u)
#define STORE_DAYS_S  (400u * 86400u)

/* Make days of hours and months of days that are older than that; takes away what is a part of
 * another ledger. 0 or -errno. */
int store_tidy(const struct store *store, const struct zone *zone,
               const struct store_keeping *keeping, const struct follow_cursor *cursor);

/*
 * Add what the store knows of the time [from_ns, to_ns) to `into` (0 = not bounded): the ledgers,
 * and when the time reaches to where the store has come, the running hour and what is still open.
 * 0 or an exit code, already explained: a time that would cut a ledger is refused.
 */
int store_read(const char *path, const struct zone *zone, uint64_t from_ns, uint64_t to_ns,
               struct ledger *into);

/* ---- for the files of the store ---- */

/* The ledgers that count, under this cursor. False: -errno in *error. */
bool store_list(int directory, const struct follow_cursor *cursor, struct store_list *list,
                int *error);
void store_list_release(struct store_list *list);

/* Load `current`; 0, -ENOENT, -EBADMSG or another -errno. */
int store_load(int directory, struct store_current *current);

/* Load a ledger and add it. 0 or -errno; -EBADMSG with a sentence. */
int store_add(int directory, const char *name, struct ledger *into, char *message, size_t size);

#endif
