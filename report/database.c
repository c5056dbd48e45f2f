/* SPDX-License-Identifier: MIT
 *
 * database.c - see database.h.
 */
#include "database.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "text.h"

#define BUSY_MS 10000

/* statfs(2); those that <linux/magic.h> lacks are in the kernel's fs/ */
#define JFFS2_TYPE   0x72b6
#define UBIFS_TYPE   0x24051905
#define YAFFS_TYPE   0x5941ff53
#define OVERLAY_TYPE 0x794c7630

static bool fail(struct database *db, enum database_failure failure, const char *words)
{
	if (db->failure == DATABASE_FINE) {
		db->failure = failure;
		text_safe(db->message, sizeof(db->message), words, 300);
	}
	return false;
}

/* What SQLite says, told by what there is to do. */
static bool failed(struct database *db, int result)
{
	static const struct {
		int result;
		enum database_failure failure;
		const char *words;
	} rows[] = {
		{SQLITE_NOTADB, DATABASE_FOREIGN, "is no SQLite database; it is left as it is"},
		{SQLITE_CORRUPT, DATABASE_DAMAGED,
	         "is damaged; move it away, and take the last copy in again with history import"},
		{SQLITE_BUSY, DATABASE_BUSY, "is being written by somebody else; try again"},
		{SQLITE_LOCKED, DATABASE_BUSY, "is being written by somebody else; try again"},
		{SQLITE_FULL, DATABASE_WRITE, "cannot be written: no space is left"},
		{SQLITE_IOERR, DATABASE_WRITE, "cannot be read or written: its disk fails"},
		{SQLITE_READONLY, DATABASE_DENIED, "cannot be written: permission denied"},
		{SQLITE_PERM, DATABASE_DENIED, "permission denied"},
		{SQLITE_CANTOPEN, DATABASE_DENIED, "cannot be opened, or its folder not written"},
		{SQLITE_NOMEM, DATABASE_NO_MEMORY, "out of memory"},
	};
	char words[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if ((result & 0xff) == rows[i].result)
			return fail(db, rows[i].failure, rows[i].words);
	/* A table or column that is missing: somebody else has been at it. */
	snprintf(words, sizeof(words), "is damaged: %s",
	         db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(result));
	return fail(db, DATABASE_DAMAGED, words);
}

bool database_is_flash(long type, bool openwrt)
{
	return type == JFFS2_TYPE || type == UBIFS_TYPE || type == YAFFS_TYPE ||
	       (openwrt && type == OVERLAY_TYPE);
}

static bool lies_on_flash(const char *path)
{
	char *copy = strdup(path);
	struct statfs fs;
	bool flash = copy && statfs(dirname(copy), &fs) == 0 &&
	             database_is_flash((long)fs.f_type, access("/etc/openwrt_release", F_OK) == 0);

	free(copy);
	return flash;
}

/* The only number a query of one row and column gives. */
static int64_t number_of(struct database *db, const char *sql)
{
	sqlite3_stmt *statement = database_ask(db, sql);
	int64_t number = database_row(db, statement) ? sqlite3_column_int64(statement, 0) : 0;

	database_done(statement);
	return number;
}

static bool create(struct database *db, const struct database_kind *kind)
{
	char head[120];

	snprintf(head, sizeof(head), "PRAGMA application_id=%d; PRAGMA user_version=%d;", kind->id,
	         kind->version);
	if (!database_begin(db))
		return false;
	/* Somebody else may have made it since we looked. */
	if (number_of(db, "PRAGMA application_id") != kind->id) {
		int result = sqlite3_exec(db->handle, head, NULL, NULL, NULL);

		if (result == SQLITE_OK)
			result = sqlite3_exec(db->handle, kind->schema, NULL, NULL, NULL);
		if (result != SQLITE_OK)
			failed(db, result);
	}
	return database_commit(db);
}

static bool check_whole(struct database *db)
{
	sqlite3_stmt *statement = database_ask(db, "PRAGMA quick_check(1)");
	const char *word;
	char words[300];

	if (database_row(db, statement)) {
		word = (const char *)sqlite3_column_text(statement, 0);
		if (!word || strcmp(word, "ok") != 0) {
			snprintf(words, sizeof(words),
			         "is damaged (%s); move it away, and take the last copy in again "
			         "with history import",
			         word ? word : "?");
			fail(db, DATABASE_DAMAGED, words);
		}
	}
	database_done(statement);
	return db->failure == DATABASE_FINE;
}

static bool check(struct database *db, const struct database_kind *kind, bool write)
{
	int64_t id = number_of(db, "PRAGMA application_id");
	int64_t version = number_of(db, "PRAGMA user_version");
	int64_t tables = number_of(db, "SELECT count(*) FROM sqlite_schema");
	char words[300];

	if (db->failure != DATABASE_FINE)
		return false;
	if (id == 0 && version == 0 && tables == 0)
		return write ? create(db, kind) : fail(db, DATABASE_MISSING, "is empty");
	if (id != kind->id) {
		snprintf(words, sizeof(words),
		         "is the database of another program, not %s; it is left as it is",
		         kind->name);
		return fail(db, DATABASE_FOREIGN, words);
	}
	if (version > kind->version) {
		snprintf(words, sizeof(words),
		         "was written by a newer mptcp-audit (version %lld, this one knows %d); it "
		         "is left as it is",
		         (long long)version, kind->version);
		return fail(db, DATABASE_NEWER, words);
	}
	if (version != kind->version)
		return fail(db, DATABASE_DAMAGED, "is damaged: its version is none of ours");
	return check_whole(db);
}

/* A rollback journal and not a write-ahead log: that one needs shared memory and leaves two files
 * beside the database, and nobody here reads while another writes for long. */
static bool settle(struct database *db)
{
	int result;

	sqlite3_busy_timeout(db->handle, BUSY_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	result = sqlite3_exec(
		db->handle, "PRAGMA cell_size_check=1; PRAGMA mmap_size=0; PRAGMA synchronous=FULL",
		NULL, NULL, NULL);
	return result == SQLITE_OK || failed(db, result);
}

/* Before SQLite sees it: a message of its own for what people do. */
static bool look(struct database *db, const char *path, bool write)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno != ENOENT)
			return fail(db, DATABASE_DENIED, strerror(errno));
		if (!write)
			return fail(db, DATABASE_MISSING, "there is none");
	} else if (!S_ISREG(st.st_mode)) {
		return fail(db, DATABASE_FOREIGN, "is no file");
	} else if (!write && st.st_size == 0) {
		return fail(db, DATABASE_MISSING, "is empty");
	}
	if (write && lies_on_flash(path))
		return fail(
			db, DATABASE_FLASH,
			"lies on flash, which a database would wear out; keep it in RAM "
			"(/var on OpenWrt) and a daily copy on flash: history export --compact");
	return true;
}

bool database_open(struct database *db, const char *path, const struct database_kind *kind,
                   bool write)
{
	int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
	int result;

	memset(db, 0, sizeof(*db));
	if (!look(db, path, write))
		return false;
	/* A reader may have to take back what a killed writer left; who may not write reads. */
	if (!write && access(path, W_OK) != 0)
		flags = SQLITE_OPEN_READONLY;
	result = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_EXRESCODE, NULL);
	if (result != SQLITE_OK)
		failed(db, result);
	else if (settle(db))
		check(db, kind, write);
	if (db->failure == DATABASE_FINE)
		return true;
	database_close(db);
	return false;
}

void database_close(struct database *db)
{
	sqlite3_close_v2(db->handle);
	db->handle = NULL;
}

sqlite3_stmt *database_ask(struct database *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int result;

	if (db->failure != DATABASE_FINE)
		return NULL;
	result = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
	if (result != SQLITE_OK)
		failed(db, result);
	return statement;
}

static void bind_all(sqlite3_stmt *statement, const char *types, va_list list)
{
	for (int i = 0; types[i]; i++) {
		switch (types[i]) {
		case 'i':
			sqlite3_bind_int64(statement, i + 1, va_arg(list, int64_t));
			break;
		case 'd':
			sqlite3_bind_double(statement, i + 1, va_arg(list, double));
			break;
		case 's':
			sqlite3_bind_text(statement, i + 1, va_arg(list, const char *), -1,
			                  SQLITE_STATIC);
			break;
		}
	}
}

void database_bind(sqlite3_stmt *statement, const char *types, ...)
{
	va_list list;

	if (!statement)
		return;
	va_start(list, types);
	bind_all(statement, types, list);
	va_end(list);
}

bool database_row(struct database *db, sqlite3_stmt *statement)
{
	int result;

	if (!statement || db->failure != DATABASE_FINE)
		return false;
	result = sqlite3_step(statement);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		failed(db, result);
	return result == SQLITE_ROW;
}

bool database_run(struct database *db, sqlite3_stmt *statement)
{
	while (database_row(db, statement))
		;
	sqlite3_reset(statement);
	return db->failure == DATABASE_FINE;
}

bool database_do(struct database *db, const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement = database_ask(db, sql);
	va_list list;

	if (statement) {
		va_start(list, types);
		bind_all(statement, types, list);
		va_end(list);
	}
	database_run(db, statement);
	database_done(statement);
	return db->failure == DATABASE_FINE;
}

void database_done(sqlite3_stmt *statement)
{
	sqlite3_finalize(statement);
}

bool database_begin(struct database *db)
{
	return database_do(db, "BEGIN IMMEDIATE", "");
}

bool database_commit(struct database *db)
{
	if (db->failure == DATABASE_FINE && database_do(db, "COMMIT", ""))
		return true;
	sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return false;
}
