/* SPDX-License-Identifier: MIT
 *
 * cmd_store.c - see cmd_store.h: the directory, and how it is written.
 */
#include "cmd_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd_packed.h"
#include "command.h"
#include "text.h"

#define CURRENT "current"
#define SCHEMA  "mptcp-audit.store/1"
#define NS      1000000000u

static const char *const kinds[STORE_KINDS] = {"hour", "day", "month"};

/* ---- names ---- */

#define STAMP 17

static void put_stamp(char out[STAMP], int64_t utc_s)
{
	struct tm tm;
	time_t time = (time_t)utc_s;

	if (!gmtime_r(&time, &tm) || strftime(out, STAMP, "%Y%m%dT%H%M%SZ", &tm) != STAMP - 1)
		memcpy(out, "19700101T000000Z", STAMP);
}

static void put_name(struct store_entry *entry)
{
	char from[STAMP], to[STAMP], turn[24] = "";

	put_stamp(from, entry->from_s);
	put_stamp(to, entry->to_s);
	if (entry->turn)
		snprintf(turn, sizeof(turn), "-%" PRIu64, entry->turn);
	snprintf(entry->name, sizeof(entry->name), "%s-%s-%s%s.ledger", kinds[entry->kind], from,
	         to, turn);
}

static const char *take_stamp(const char *text, int64_t *utc_s)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &tm);

	*utc_s = end ? (int64_t)timegm(&tm) : 0;
	return end;
}

/* False for each name that put_name() would not have made. */
static bool take_name(struct store_entry *entry, const char *name)
{
	char again[sizeof(entry->name)];
	const char *at = NULL;

	*entry = (struct store_entry){0};
	for (unsigned k = 0; k < STORE_KINDS && !at; k++)
		if (strncmp(name, kinds[k], strlen(kinds[k])) == 0 &&
		    name[strlen(kinds[k])] == '-') {
			entry->kind = (enum store_kind)k;
			at = name + strlen(kinds[k]) + 1;
		}
	at = at ? take_stamp(at, &entry->from_s) : NULL;
	at = at && *at == '-' ? take_stamp(at + 1, &entry->to_s) : NULL;
	if (!at)
		return false;
	if (*at == '-')
		entry->turn = strtoull(at + 1, NULL, 10);
	put_name(entry);
	memcpy(again, entry->name, sizeof(again));
	return strcmp(again, name) == 0;
}

/* ---- lists ---- */

static int by_time(const void *one, const void *other)
{
	const struct store_entry *a = one, *b = other;

	if (a->from_s != b->from_s)
		return a->from_s < b->from_s ? -1 : 1;
	if (a->kind != b->kind) /* the larger one first */
		return a->kind > b->kind ? -1 : 1;
	return (a->turn > b->turn) - (a->turn < b->turn);
}

static bool lies_within(const struct store_entry *part, const struct store_entry *whole)
{
	return whole->kind > part->kind && whole->turn >= part->turn &&
	       whole->from_s <= part->from_s && whole->to_s >= part->to_s;
}

/* Not of a run that was killed before it could say so. */
static bool is_committed(const struct store_entry *entry, const struct follow_cursor *cursor)
{
	int64_t hour_s = (int64_t)(cursor->hour_ns / NS);

	return entry->turn < cursor->turn || (entry->turn == cursor->turn && entry->to_s <= hour_s);
}

static bool list_all(int directory, struct store_list *list, int *error)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *row;
	struct store_entry entry;

	*error = dir ? 0 : -errno;
	if (!dir && fd >= 0)
		close(fd);
	while (dir && (row = readdir(dir))) {
		if (!take_name(&entry, row->d_name))
			continue;
		if (list->n == list->cap) {
			size_t more = list->cap ? list->cap * 2 : 64;
			struct store_entry *rows = realloc(list->rows, more * sizeof(*rows));

			if (!rows) {
				*error = -ENOMEM;
				break;
			}
			list->rows = rows;
			list->cap = more;
		}
		list->rows[list->n++] = entry;
	}
	if (dir)
		closedir(dir);
	if (list->n > 1)
		qsort(list->rows, list->n, sizeof(*list->rows), by_time);
	return *error == 0;
}

/* The nearest rows around it are enough: rows are by time, and larger ones are few. */
static bool is_part(const struct store_list *list, const struct store_entry *entry)
{
	for (size_t i = 0; i < list->n && list->rows[i].from_s <= entry->from_s; i++)
		if (list->rows[i].kind > entry->kind && lies_within(entry, &list->rows[i]))
			return true;
	return false;
}

bool store_list(int directory, const struct follow_cursor *cursor, struct store_list *list,
                int *error)
{
	struct store_list kept = {0};

	*list = (struct store_list){0};
	if (!list_all(directory, list, error))
		return false;
	kept.rows = calloc(list->n + 1, sizeof(*kept.rows));
	if (!kept.rows) {
		*error = -ENOMEM;
		return false;
	}
	for (size_t i = 0; i < list->n; i++)
		if (is_committed(&list->rows[i], cursor) && !is_part(list, &list->rows[i]))
			kept.rows[kept.n++] = list->rows[i];
	free(list->rows);
	*list = kept;
	return true;
}

void store_list_release(struct store_list *list)
{
	free(list->rows);
	*list = (struct store_list){0};
}

/* ---- ledgers ---- */

static int ledger_bytes(const struct ledger *ledger, char **bytes, size_t *n)
{
	FILE *out = open_memstream(bytes, n);
	int error;

	if (!out)
		return -ENOMEM;
	error = ledger_save(ledger, out);
	if (fclose(out) != 0 && error == 0)
		error = -ENOMEM;
	return error;
}

int store_put(const struct store *store, enum store_kind kind, int64_t from_s, int64_t to_s,
              uint64_t turn, const struct ledger *ledger)
{
	struct store_entry entry = {.kind = kind, .from_s = from_s, .to_s = to_s, .turn = turn};
	char *bytes = NULL;
	size_t n = 0;
	int error = ledger_bytes(ledger, &bytes, &n);

	put_name(&entry);
	if (error == 0)
		error = packed_write(store->directory, entry.name, bytes, n);
	free(bytes);
	return error;
}

static bool load_bytes(struct ledger *ledger, const char *bytes, size_t n, char *message,
                       size_t size)
{
	if (n > 0)
		return ledger_load_bytes(ledger, bytes, n, message, size);
	snprintf(message, size, "is empty");
	return false;
}

int store_add(int directory, const char *name, struct ledger *into, char *message, size_t size)
{
	struct ledger one;
	char *bytes;
	size_t n;
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int error = fd < 0 ? -errno : packed_read(fd, &bytes, &n);

	snprintf(message, size, "%s", error == -EBADMSG ? "is damaged" : strerror(-error));
	if (error != 0)
		return error;
	ledger_init(&one);
	if (!load_bytes(&one, bytes, n, message, size)) {
		error = -EBADMSG;
	} else if (!ledger_take(into, &one)) {
		snprintf(message, size, "cannot be added: more than %d WANs, or out of memory",
		         LEDGER_WANS_MAX);
		error = -ENOMEM;
	}
	ledger_release(&one);
	free(bytes);
	return error;
}

int store_complain(const char *path, const struct store_entry *row, const char *message)
{
	char from[TEXT_SHORT], to[TEXT_SHORT];

	return command_complain(
		EXIT_BAD_DATA,
		"%s/%s: %s; put a copy of it back, or move it out of the store: what "
		"passed from %s to %s is then missing, all else is told",
		path, row->name, message, text_time(from, (uint64_t)row->from_s * 1000000000, 0),
		text_time(to, (uint64_t)row->to_s * 1000000000, 0));
}

/* ---- current ---- */

void store_current_init(struct store_current *current)
{
	memset(current, 0, sizeof(*current));
	cursor_init(&current->cursor);
	ledger_init(&current->hour);
}

void store_current_release(struct store_current *current)
{
	cursor_release(&current->cursor);
	free(current->state);
	ledger_release(&current->hour);
	store_current_init(current);
}

/* A line of JSON, the state, the ledger. */
static int write_current(const struct store_current *current, FILE *out)
{
	json_t *head = cursor_json(&current->cursor);
	char *bytes = NULL;
	size_t n = 0;
	int error = ledger_bytes(&current->hour, &bytes, &n);

	if (!head || json_object_set_new(head, "schema", json_string(SCHEMA)) != 0 ||
	    json_object_set_new(head, "state", json_integer((json_int_t)current->state_bytes)) ||
	    json_object_set_new(head, "ledger", json_integer((json_int_t)n)) ||
	    json_dumpf(head, out, JSON_COMPACT | JSON_SORT_KEYS) != 0)
		error = -ENOMEM;
	if (error == 0) {
		fputc('\n', out);
		fwrite(current->state ? current->state : "", 1, current->state_bytes, out);
		fwrite(bytes, 1, n, out);
	}
	json_decref(head);
	free(bytes);
	return error;
}

int store_commit(const struct store *store, const struct store_current *current)
{
	char *bytes = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&bytes, &n);
	int error = out ? write_current(current, out) : -ENOMEM;

	if (out && fclose(out) != 0 && error == 0)
		error = -ENOMEM;
	if (error == 0)
		error = packed_write(store->directory, CURRENT, bytes, n);
	free(bytes);
	return error;
}

static bool take_parts(struct store_current *current, const json_t *head, char *parts, size_t left)
{
	const json_t *schema = json_object_get(head, "schema");
	json_int_t state = json_integer_value(json_object_get(head, "state"));
	json_int_t ledger = json_integer_value(json_object_get(head, "ledger"));
	char message[200];

	if (!json_is_string(schema) || strcmp(json_string_value(schema), SCHEMA) != 0 ||
	    state < 0 || ledger < 0 || (size_t)state > left ||
	    (size_t)ledger != left - (size_t)state || !cursor_load(&current->cursor, head))
		return false;
	if (state > 0) {
		current->state = malloc((size_t)state);
		if (!current->state)
			return false;
		memcpy(current->state, parts, (size_t)state);
		current->state_bytes = (size_t)state;
	}
	return load_bytes(&current->hour, parts + state, (size_t)ledger, message, sizeof(message));
}

int store_load(int directory, struct store_current *current)
{
	int fd = openat(directory, CURRENT, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), error;
	char *bytes, *line;
	size_t n;

	if (fd < 0)
		return -errno;
	error = packed_read(fd, &bytes, &n);
	if (error != 0)
		return error;
	line = memchr(bytes, '\n', n);
	json_t *head = line ? json_loadb(bytes, (size_t)(line - bytes), 0, NULL) : NULL;
	if (!head || !take_parts(current, head, line + 1, n - (size_t)(line + 1 - bytes))) {
		store_current_release(current);
		error = -EBADMSG;
	}
	json_decref(head);
	free(bytes);
	return error;
}

/* ---- opening ---- */

bool store_is(const char *path)
{
	char name[4096];
	struct stat st;

	return snprintf(name, sizeof(name), "%s/" CURRENT, path) < (int)sizeof(name) &&
	       stat(name, &st) == 0 && S_ISREG(st.st_mode);
}

/* What a run that was killed left behind is taken away; `foreign` is a name that is none of ours.
 */
static int sweep(int directory, bool *foreign)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *row;
	struct store_entry entry;

	*foreign = false;
	if (!dir)
		return -errno;
	while ((row = readdir(dir))) {
		size_t length = strlen(row->d_name);
		char name[256];

		if (row->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s", row->d_name);
		if (length > 5 && strcmp(name + length - 5, ".part") == 0) {
			name[length - 5] = '\0';
			if (strcmp(name, CURRENT) == 0 || take_name(&entry, name)) {
				unlinkat(directory, row->d_name, 0);
				continue;
			}
		}
		if (strcmp(name, CURRENT) != 0 && !take_name(&entry, name))
			*foreign = true;
	}
	closedir(dir);
	return 0;
}

static int begin(struct store *store, struct store_current *current)
{
	bool foreign;
	int error = store_load(store->directory, current);

	if (error == -EBADMSG)
		return command_complain(EXIT_BAD_DATA,
		                        "%s/" CURRENT
		                        ": damaged, or not written by this program; the "
		                        "store is left as it is: put a copy of that file back, or "
		                        "follow into a new directory",
		                        store->path);
	if (error != 0 && error != -ENOENT)
		return command_complain(EXIT_NO_INPUT, "%s/" CURRENT ": %s", store->path,
		                        strerror(-error));
	if (sweep(store->directory, &foreign) != 0)
		return command_complain(EXIT_DENIED, "%s: %s", store->path, strerror(errno));
	if (error == 0)
		return 0;
	if (foreign)
		return command_complain(
			EXIT_CANNOT_CREATE,
			"%s holds other files and no store; name an empty directory", store->path);
	error = store_commit(store, current);
	if (error != 0)
		return command_complain(EXIT_CANNOT_CREATE, "%s: %s", store->path,
		                        strerror(-error));
	return 0;
}

int store_open(struct store *store, const char *path, struct store_current *current)
{
	*store = (struct store){.directory = -1};
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return command_complain(EXIT_CANNOT_CREATE, "%s: %s", path, strerror(errno));
	store->path = strdup(path);
	store->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!store->path)
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (store->directory < 0)
		return command_complain(errno == EACCES ? EXIT_DENIED : EXIT_CANNOT_CREATE,
		                        "%s: %s", path, strerror(errno));
	if (flock(store->directory, LOCK_EX | LOCK_NB) != 0)
		return command_complain(EXIT_CANNOT_CREATE,
		                        "%s: another mptcp-audit follow writes to this store",
		                        path);
	return begin(store, current);
}

void store_close(struct store *store)
{
	if (store->directory >= 0)
		close(store->directory);
	free(store->path);
	*store = (struct store){.directory = -1};
}

/* ---- tidying ---- */

struct tidying {
	const struct store *store;
	const struct zone *zone;
	enum store_kind from, to;
	struct ledger_bounds bounds;
};

/* The day, or the month, that holds a moment. */
static void period_of(const struct tidying *t, int64_t utc_s, int64_t *from_s, int64_t *to_s)
{
	*from_s = t->to == STORE_DAY ? zone_day(t->zone, utc_s, 0)
	                             : zone_period(t->zone, utc_s, 1, 0);
	*to_s = t->to == STORE_DAY ? zone_day(t->zone, utc_s, 1)
	                           : zone_period(t->zone, utc_s, 1, 1);
}

/* Those from row `at` on that begin before `to_s` become one. */
static int fold(const struct tidying *t, const struct store_list *list, size_t at, int64_t from_s,
                int64_t to_s)
{
	struct ledger sum;
	uint64_t turn = 0;
	char message[300];
	int error = 0;

	ledger_init(&sum);
	for (size_t i = at; i < list->n && list->rows[i].from_s < to_s && error == 0; i++) {
		const struct store_entry *row = &list->rows[i];

		if (row->kind != t->from)
			continue;
		error = store_add(t->store->directory, row->name, &sum, message, sizeof(message));
		if (error != 0)
			store_complain(t->store->path, row, message);
		turn = row->turn > turn ? row->turn : turn;
		from_s = row->from_s < from_s ? row->from_s : from_s;
		to_s = row->to_s > to_s ? row->to_s : to_s;
	}
	if (error == 0 && !ledger_condense(&sum, &t->bounds))
		error = -ENOMEM;
	if (error == 0)
		error = store_put(t->store, t->to, from_s, to_s, turn, &sum);
	ledger_release(&sum);
	return error;
}

static int fold_all(const struct tidying *t, const struct follow_cursor *cursor, int64_t before_s)
{
	struct store_list list;
	int64_t from_s, to_s, done_s = INT64_MIN;
	int error;

	if (!store_list(t->store->directory, cursor, &list, &error))
		return error;
	for (size_t i = 0; i < list.n && error == 0; i++) {
		if (list.rows[i].kind != t->from || list.rows[i].from_s < done_s)
			continue;
		period_of(t, list.rows[i].from_s, &from_s, &to_s);
		if (to_s > before_s)
			break;
		error = fold(t, &list, i, from_s, to_s);
		done_s = to_s;
	}
	store_list_release(&list);
	return error;
}

/* What has become a part of another ledger. */
static int sweep_parts(const struct store *store)
{
	struct store_list list = {0};
	int error;

	if (!list_all(store->directory, &list, &error))
		return error;
	for (size_t i = 0; i < list.n; i++)
		if (is_part(&list, &list.rows[i]))
			unlinkat(store->directory, list.rows[i].name, 0);
	store_list_release(&list);
	return 0;
}

/* Connections that a ledger lists one by one; the others are in its sums. */
#define DAY_CONNECTIONS   500
#define MONTH_CONNECTIONS 2000

int store_tidy(const struct store *store, const struct zone *zone,
               const struct store_keeping *keeping, const struct follow_cursor *cursor)
{
	int64_t now_s = (int64_t)(cursor->until_ns / NS);
	const struct tidying days = {
		store, zone, STORE_HOUR, STORE_DAY, {300, DAY_CONNECTIONS, true}};
	const struct tidying months = {
		store, zone, STORE_DAY, STORE_MONTH, {300, MONTH_CONNECTIONS, true}};
	int error = fold_all(&days, cursor, now_s - (int64_t)keeping->hours_s);

	if (error == 0)
		error = sweep_parts(store);
	if (error == 0)
		error = fold_all(&months, cursor, now_s - (int64_t)keeping->days_s);
	return error ? error : sweep_parts(store);
}
