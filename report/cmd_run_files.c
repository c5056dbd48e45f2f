/* SPDX-License-Identifier: MIT
 *
 * cmd_run_files.c - the files of a scheduled pass (cmd_run.h).
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd_history.h"
#include "cmd_render.h"
#include "cmd_run.h"
#include "command.h"
#include "output.h"
#include "run.h"

#define STATE  "run.state"
#define LOCK   "run.lock"
#define LATEST "latest"
#define FRESH  ".latest.new"
#define NS     UINT64_C(1000000000)

/* ---- the directory ---- */

/* The path of a file in it; owned by the caller. */
static char *path_of(const struct run *run, const char *name, const char *suffix)
{
	char *path;

	if (asprintf(&path, "%s/%s%s", run->set.reports, name, suffix) >= 0)
		return path;
	command_complain(EXIT_INTERNAL, "out of memory");
	return NULL;
}

static int lock(struct run *run)
{
	run->lock = openat(run->directory, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (run->lock < 0)
		return command_complain(EXIT_CANNOT_CREATE, "%s/" LOCK ": %s", run->set.reports,
		                        strerror(errno));
	if (flock(run->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return command_complain(EXIT_CANNOT_CREATE,
	                        "another run writes to %s; it is left alone, the next pass does "
	                        "what is left to do",
	                        run->set.reports);
}

int run_open(struct run *run)
{
	if (!run->dry && mkdir(run->set.reports, 0755) != 0 && errno != EEXIST)
		return command_complain(EXIT_CANNOT_CREATE, "%s: %s", run->set.reports,
		                        strerror(errno));
	run->directory = open(run->set.reports, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->directory < 0 && !(run->dry && errno == ENOENT))
		return command_complain(errno == EACCES ? EXIT_DENIED : EXIT_CANNOT_CREATE,
		                        "%s: %s", run->set.reports, strerror(errno));
	return run->dry ? 0 : lock(run);
}

/* ---- what is remembered ---- */

int run_load(struct run *run)
{
	char *path = path_of(run, STATE, "");
	json_t *memory = NULL;
	FILE *file;
	int code = 0;

	if (!path)
		return EXIT_INTERNAL;
	file = fopen(path, "re");
	if (file) {
		memory = json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
		fclose(file);
		if (!run_accepts(memory))
			code = command_complain(EXIT_BAD_DATA,
			                        "%s: damaged, or of another version; it is left as "
			                        "it is. Without it totals begin again at 0",
			                        path);
	} else if (errno == ENOENT) {
		memory = run_new();
		if (!memory)
			code = command_complain(EXIT_INTERNAL, "out of memory");
	} else {
		code = command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "%s: %s",
		                        path, strerror(errno));
	}
	free(path);
	if (code != 0) {
		json_decref(memory);
		return code;
	}
	json_decref(run->memory);
	run->memory = memory;
	return 0;
}

/* `layout`: JSON_INDENT(1) where people look, JSON_COMPACT where there are thousands. */
static int put_json(const json_t *json, const char *path, size_t layout)
{
	struct output output;
	bool dumped;
	int error = output_open(&output, path), closed, why;

	if (error != 0)
		return command_complain(EXIT_CANNOT_CREATE, "%s: %s", path, strerror(-error));
	errno = 0;
	dumped = json_dumpf(json, output.file, JSON_SORT_KEYS | layout) == 0 &&
	         fputc('\n', output.file) != EOF;
	why = errno ? -errno : -EIO;
	closed = output_close(&output, dumped);
	if (!dumped)
		closed = why;
	return closed == 0 ? 0
	                   : command_complain(EXIT_CANNOT_WRITE, "%s: %s", path, strerror(-closed));
}

int run_save(const struct run *run)
{
	char *path = path_of(run, STATE, "");
	int code = path ? put_json(run->memory, path, JSON_INDENT(1)) : EXIT_INTERNAL;

	free(path);
	return code;
}

/* ---- reports ---- */

/* latest.json -> SITE-FROM.json, at no moment missing. */
static int point(const struct run *run, const char *name, const char *suffix)
{
	char target[300], link[60];

	snprintf(target, sizeof(target), "%s%s", name, suffix);
	snprintf(link, sizeof(link), LATEST "%s", suffix);
	unlinkat(run->directory, FRESH, 0);
	if (symlinkat(target, run->directory, FRESH) == 0 &&
	    renameat(run->directory, FRESH, run->directory, link) == 0)
		return 0;
	return command_complain(EXIT_CANNOT_WRITE, "%s/%s: %s", run->set.reports, link,
	                        strerror(errno));
}

static int write_form(const struct run *run, const json_t *report, const char *name,
                      const struct format *format)
{
	char *path = path_of(run, name, format->suffix);
	int code =
		path ? render_to(report, format, run->set.language, "[run]", path) : EXIT_INTERNAL;

	free(path);
	return code;
}

static bool is_wanted(const struct run *run, size_t format)
{
	return format < 32 && run->set.formats >> format & 1;
}

/* A window that is there already is replaced: done twice it counts once. */
static int add_to_history(const struct run *run, const json_t *report)
{
	struct database db;
	int code = history_open(&db, run->set.history, true);
	bool good;

	if (code != 0)
		return code;
	good = database_begin(&db);
	if (good)
		history_add(&db, report, NULL);
	good = good && db.failure == DATABASE_FINE && history_retain(&db);
	if (!database_commit(&db) || !good)
		code = history_failed(&db, run->set.history);
	database_close(&db);
	return code;
}

/* First into the history, then its trend into the report: a pass that was killed between the two
 * finds the window there, replaces it, and tells the same trend. */
static int remember(const struct run *run, json_t *report)
{
	int code = run->set.history ? add_to_history(run, report) : 0;
	json_t *trend;

	if (!run->set.history || code != 0)
		return code;
	trend = history_of_report(report, run->set.history, &code);
	if (trend && json_object_set_new(report, "trend", trend) != 0)
		return command_complain(EXIT_INTERNAL, "out of memory");
	return code;
}

static int write_forms(const struct run *run, const json_t *report, const char *name)
{
	const struct format *metrics = format_find("metrics");
	char *path = path_of(run, name, ".json");
	int code = path ? put_json(report, path, JSON_COMPACT) : EXIT_INTERNAL;

	free(path);
	for (size_t i = 0; code == 0 && i < n_formats; i++)
		if (is_wanted(run, i))
			code = write_form(run, report, name, &formats[i]);
	if (code == 0)
		code = point(run, name, ".json");
	for (size_t i = 0; code == 0 && i < n_formats; i++)
		if (is_wanted(run, i))
			code = point(run, name, formats[i].suffix);
	if (code == 0 && run->set.metrics && metrics)
		code = render_to(report, metrics, run->set.language, "metrics =", run->set.metrics);
	return code;
}

/* A history that cannot be written leaves its window undone, but its report can be read. */
int run_write(const struct run *run, json_t *report, const char *name)
{
	int remembered = remember(run, report), code = write_forms(run, report, name);

	return code ? code : remembered;
}

/* ---- tidying ---- */

/* The six characters that mkstemp put behind a name (output.h). */
static bool is_unfinished(const char *tail)
{
	return tail[0] == '.' && strlen(tail) == 7 &&
	       strspn(tail + 1, "abcdefghijklmnopqrstuvwxyz"
	                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                        "0123456789") == 6;
}

/* What stands behind SITE-FROM, and when FROM was; NULL: the name is of something else. */
static const char *parse_name(const struct run *run, const char *name, time_t *from)
{
	size_t site = strlen(run->site);
	struct tm tm = {0};
	const char *end;

	if (strncmp(name, run->site, site) != 0 || name[site] != '-')
		return NULL;
	name += site + 1;
	if (!isdigit((unsigned char)*name) || strcspn(name, "Z") != 15)
		return NULL;
	end = strptime(name, "%Y%m%dT%H%M%SZ", &tm);
	*from = timegm(&tm);
	return end;
}

static size_t suffix_of(const char *tail)
{
	if (strncmp(tail, ".json", 5) == 0)
		return 5;
	for (size_t i = 0; i < n_formats; i++)
		if (strncmp(tail, formats[i].suffix, strlen(formats[i].suffix)) == 0)
			return strlen(formats[i].suffix);
	return 0;
}

/* A report that is old, or a file that a killed pass left. */
static bool is_done_with(const struct run *run, const char *name)
{
	time_t from = 0;
	const char *tail = parse_name(run, name, &from);
	size_t suffix = tail ? suffix_of(tail) : 0;

	if (strncmp(name, STATE, strlen(STATE)) == 0)
		return is_unfinished(name + strlen(STATE));
	if (run_is_past_state(name, run_time(run->memory, "until")))
		return true;
	if (!tail || suffix == 0)
		return false;
	if (tail[suffix])
		return is_unfinished(tail + suffix);
	return run->set.keep_s && (uint64_t)from + run->set.keep_s < run->now_ns / NS;
}

static void tidy_metrics(const struct run *run)
{
	char *copy = run->set.metrics ? strdup(run->set.metrics) : NULL,
	     *base = run->set.metrics ? strdup(run->set.metrics) : NULL;
	DIR *directory = copy ? opendir(dirname(copy)) : NULL;
	const char *name = base ? basename(base) : "";
	const struct dirent *row;

	while (directory && (row = readdir(directory)))
		if (strncmp(row->d_name, name, strlen(name)) == 0 &&
		    is_unfinished(row->d_name + strlen(name)))
			unlinkat(dirfd(directory), row->d_name, 0);
	if (directory)
		closedir(directory);
	free(base);
	free(copy);
}

void run_tidy(const struct run *run)
{
	int fd = openat(run->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *row;

	if (!directory && fd >= 0)
		close(fd);
	unlinkat(run->directory, FRESH, 0);
	while (directory && (row = readdir(directory)))
		if (is_done_with(run, row->d_name))
			unlinkat(run->directory, row->d_name, 0);
	if (directory)
		closedir(directory);
	tidy_metrics(run);
}
