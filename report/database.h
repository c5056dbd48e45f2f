/* SPDX-License-Identifier: MIT
 *
 * database.h - an SQLite file of ours: opened or refused in clear words, changed as a whole or not
 * at all.
 *
 * A file is ours by its application id and of a version by its user version, both of which SQLite
 * keeps in its head. What is of another program, of a newer version or damaged is refused and left
 * as it is. Changes stand in transactions with a rollback journal: a writer that is killed leaves
 * the journal, and whoever opens the file next takes back what was half done. Nothing in a file is
 * trusted to run: no triggers, no views, no functions of its schema.
 *
 * Flash that wears (JFFS2, UBIFS, the overlay of OpenWrt) never gets a database.
 */
#ifndef REPORT_DATABASE_H
#define REPORT_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum database_failure {
	DATABASE_FINE,
	DATABASE_MISSING, /* there is none, and it was to be read only */
	DATABASE_FOREIGN, /* no SQLite file, or of another program */
	DATABASE_NEWER,   /* of a version this program does not know */
	DATABASE_DAMAGED,
	DATABASE_DENIED,
	DATABASE_FLASH,
	DATABASE_BUSY,  /* somebody else writes, for longer than ten seconds */
	DATABASE_WRITE, /* the disk is full, or fails */
	DATABASE_NO_MEMORY
};

struct database {
	sqlite3 *handle;
	enum database_failure failure; /* the first */
	char message[400];             /* ... in words, "" while all is well; safe to print */
};

/* What a file of ours is. */
struct database_kind {
	const char *name; /* "a history of mptcp-audit" */
	int32_t id;
	int version;
	const char *schema; /* SQL that makes version `version` in an empty file */
};

/* Open what `path` names; with `write` it is made when it is missing or empty. False: the failure
 * and the message say why, and nothing needs closing. */
bool database_open(struct database *db, const char *path, const struct database_kind *kind,
                   bool write);
void database_close(struct database *db);

/* A statement, or NULL with the failure kept. Finalise it with database_done(). */
sqlite3_stmt *database_ask(struct database *db, const char *sql);

/* Bind all parameters in their order: 'i' int64_t, 'd' double, 's' a string (NULL = NULL; must live
 * until the next bind). */
void database_bind(sqlite3_stmt *statement, const char *types, ...);

/* The next row: true. False: none is left, or it failed (database.failure). NULL has no rows. */
bool database_row(struct database *db, sqlite3_stmt *statement);

/* Run to the end and make ready for the next bind. False: it failed. */
bool database_run(struct database *db, sqlite3_stmt *statement);

/* Run once: ask, bind, run, done. */
bool database_do(struct database *db, const char *sql, const char *types, ...);

void database_done(sqlite3_stmt *statement);

/* All that follows becomes true together. End with database_commit(), which takes everything back
 * when anything failed since. */
bool database_begin(struct database *db);
bool database_commit(struct database *db);

/* Whether a file system (statfs f_type) is flash that must not hold a database; `openwrt`: its
 * overlay is flash too. */
bool database_is_flash(long type, bool openwrt);

#endif
