/* SPDX-License-Identifier: MIT
 *
 * cmd_history.c - mptcp-audit history: what earlier audits said.
 */
#include "cmd_history.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "cmd_intake.h"
#include "cmd_write.h"
#include "command.h"
#include "filed.h"
#include "history_text.h"
#include "output.h"
#include "text.h"
#include "vnstat.h"

#define COPY_BYTES 65536 /* of a compact copy, at most */
#define PATH_SIZE  4096

enum {
	HISTORY_DB = OPTION_OWN,
	HISTORY_SITE,
	HISTORY_KIND,
	HISTORY_BY,
	HISTORY_LAST,
	HISTORY_LANG,
	HISTORY_CSV,
	HISTORY_COMPACT,
};

static const struct option options[] = {
	{"db", required_argument, NULL, HISTORY_DB},
	{"site", required_argument, NULL, HISTORY_SITE},
	{"wan", required_argument, NULL, OPTION_WAN},
	{"kind", required_argument, NULL, HISTORY_KIND},
	{"by", required_argument, NULL, HISTORY_BY},
	{"last", required_argument, NULL, HISTORY_LAST},
	{"lang", required_argument, NULL, HISTORY_LANG},
	{"json", required_argument, NULL, OPTION_JSON},
	{"csv", required_argument, NULL, HISTORY_CSV},
	{"compact", required_argument, NULL, HISTORY_COMPACT},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

#define DEVICES_MAX 16

/* What was asked; all borrowed from argv. */
struct asked {
	const char *db, *json, *csv, *compact, *kind;
	struct history_ask ask;
	bool has_last;
	enum language language;
	const char *devices[DEVICES_MAX]; /* DEVICE=WAN */
	size_t n_devices;
	char **files;
	int n_files;
};

static int help(void)
{
	char path[PATH_SIZE];

	fputs("Usage: mptcp-audit history add REPORT.json...\n"
	      "       mptcp-audit history list|trend [OPTION]...\n"
	      "       mptcp-audit history export --csv|--json|--compact FILE\n"
	      "       mptcp-audit history import COPY|vnstat.json...\n"
	      "What earlier audits said, in one file: windows of five minutes stay for 48 hours, "
	      "of an\n"
	      "hour for 30 days, of a day for 400 days; older ones are added up.\n\n"
	      "  --db FILE           the history (",
	      stdout);
	fputs(history_default_path(path, sizeof(path)) ? path : "no default: no home", stdout);
	fputs(").\n"
	      "                      On OpenWrt /var is RAM: keep it there, and a daily copy on "
	      "flash\n"
	      "  --site NAME         only this site; with add: the site of these reports\n"
	      "  --wan WAN           only this WAN; with import: DEVICE=WAN, which WAN a device "
	      "is\n"
	      "  --by 5min|hour|day|month  steps of a trend (day); of more than eight WANs only "
	      "the\n"
	      "                      largest backups are listed: --site tells the steps\n"
	      "  --kind KIND         show this sum too:\n",
	      stdout);
	for (size_t i = 0; i < WHAT_COUNT; i++)
		printf("%s%s%s", i % 6 == 0 ? "                      " : "", history_what_names[i],
		       i + 1 == WHAT_COUNT ? "\n"
		       : i % 6 == 5        ? ",\n"
		                           : ", ");
	fputs("  --last N            at most N rows, the newest (list 20, trend 30; 0: all)\n"
	      "  --lang LANGUAGE     en (default) or zh-CN\n"
	      "  --json FILE|-       as JSON; export: all of it, which import takes\n"
	      "  --csv FILE|-        a row per WAN and step\n"
	      "  --compact FILE      a copy of at most 64 kB for a router's flash, which import "
	      "takes:\n"
	      "                      months and days first, without the words\n"
	      "  -h, --help\n\n"
	      "import marks days on which a backup's interface counted more than packets explain:\n"
	      "  vnstat --json | mptcp-audit history import -\n",
	      stdout);
	return EXIT_PASS;
}

/* ---- the file ---- */

bool history_default_path(char *out, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n;

	if (state && *state == '/')
		n = snprintf(out, size, "%s/mptcp-audit/history.db", state);
	else if (geteuid() == 0)
		n = snprintf(out, size, "/var/lib/mptcp-audit/history.db");
	else if (home && *home == '/')
		n = snprintf(out, size, "%s/.local/state/mptcp-audit/history.db", home);
	else
		return false;
	return n > 0 && (size_t)n < size;
}

static void make_folders(const char *path)
{
	char folder[PATH_SIZE];

	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		size_t length = (size_t)(at - path);

		memcpy(folder, path, length);
		folder[length] = '\0';
		mkdir(folder, 0755); /* opening the file says what is wrong */
	}
}

int history_failed(const struct database *db, const char *path)
{
	static const enum exit_code codes[] = {
		[DATABASE_FINE] = EXIT_INTERNAL,       [DATABASE_MISSING] = EXIT_NO_INPUT,
		[DATABASE_FOREIGN] = EXIT_BAD_DATA,    [DATABASE_NEWER] = EXIT_BAD_DATA,
		[DATABASE_DAMAGED] = EXIT_BAD_DATA,    [DATABASE_DENIED] = EXIT_DENIED,
		[DATABASE_FLASH] = EXIT_CANNOT_CREATE, [DATABASE_BUSY] = EXIT_CANNOT_WRITE,
		[DATABASE_WRITE] = EXIT_CANNOT_WRITE,  [DATABASE_NO_MEMORY] = EXIT_INTERNAL,
	};
	const char *more = db->failure == DATABASE_MISSING
	                           ? "; mptcp-audit history add REPORT.json begins it"
	                           : "";

	return command_complain(codes[db->failure], "history %s: %s%s", path,
	                        *db->message ? db->message : "out of memory", more);
}

int history_open(struct database *db, const char *path, bool write)
{
	char place[PATH_SIZE];

	if (!path) {
		if (!history_default_path(place, sizeof(place)))
			return command_complain(EXIT_USAGE, "there is no home for a history: --db "
			                                    "FILE names one");
		if (write)
			make_folders(place);
		path = place;
	}
	return database_open(db, path, &history_kind, write) ? 0 : history_failed(db, path);
}

/* ---- output ---- */

static int finish(struct output *output, const char *path, bool written)
{
	int error = output_close(output, written);

	if (error == 0 && written)
		return 0;
	if (error == -EPIPE)
		return EXIT_CANNOT_WRITE; /* the reader has left: quiet */
	return command_complain(EXIT_CANNOT_WRITE, "%s: %s", path ? path : "standard output",
	                        strerror(error ? -error : EIO));
}

static int begin(struct output *output, const char *path)
{
	int error = output_open(output, path);

	return error == 0 ? 0
	                  : command_complain(EXIT_CANNOT_CREATE, "%s: %s", path, strerror(-error));
}

/* ---- add ---- */

struct added {
	unsigned long fresh, known, left;
	bool unnamed;
};

static int add_file(struct database *db, const struct asked *asked, const char *path,
                    struct added *added)
{
	const struct telling how = {.language = asked->language};
	enum filed_failure failure;
	char why[400], words[600];
	json_t *report = filed_load(path, &failure, why, sizeof(why));

	if (!report) {
		added->left++;
		return command_complain(failure == FILED_UNREADABLE ? EXIT_NO_INPUT : EXIT_BAD_DATA,
		                        "%s: %s", path,
		                        message_words(words, sizeof(words), why, &how));
	}
	added->unnamed = added->unnamed || !(asked->ask.site || filed_text(report, "site"));
	switch (history_add(db, report, asked->ask.site)) {
	case HISTORY_ADDED:
	case HISTORY_REPLACED:
		added->fresh++;
		break;
	case HISTORY_KNOWN:
		added->known++;
		break;
	case HISTORY_SUMMED:
		added->left++;
		command_complain(EXIT_BAD_DATA, "%s: left out: its time is added up already", path);
		break;
	default:
		added->left++;
		if (db->failure == DATABASE_FINE)
			command_complain(EXIT_BAD_DATA, "%s: left out: it has no time", path);
	}
	json_decref(report);
	return 0;
}

/* A file that is no report does not keep the others out. */
static int run_add(struct database *db, const struct asked *asked)
{
	struct added added = {0};
	char a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT], message[400], words[600];
	const struct telling how = {.language = asked->language};
	int first = 0;

	database_begin(db);
	for (int i = 0; i < asked->n_files && db->failure == DATABASE_FINE; i++) {
		int code = add_file(db, asked, asked->files[i], &added);

		first = first ? first : code;
	}
	history_retain(db);
	if (!database_commit(db))
		return history_failed(db, asked->db);
	SAY_IN(message, history_took_in, asked->db, text_count(a, added.fresh),
	       text_count(b, added.known), text_count(c, added.left));
	printf("%s\n", message_words(words, sizeof(words), message, &how));
	if (added.unnamed)
		printf("%s\n", WORDS(history_unnamed, asked->language));
	return first;
}

/* ---- list, trend, export ---- */

static int tell_list(struct database *db, const struct asked *asked)
{
	struct history_ask ask = asked->ask;
	json_t *list;
	int code;

	if (!asked->has_last)
		ask.last = 20;
	list = history_list(db, &ask);
	if (!list)
		return history_failed(db, asked->db);
	if (asked->json) {
		code = write_json(list, asked->json);
	} else {
		history_print_list(list, asked->language, stdout);
		code = 0;
	}
	json_decref(list);
	return code;
}

static int write_csv(const json_t *trend, const char *path)
{
	struct output output;
	int code = begin(&output, path);

	if (code)
		return code;
	history_print_csv(trend, output.file);
	return finish(&output, path, !ferror(output.file));
}

static int tell_trend(struct database *db, const struct asked *asked)
{
	struct history_ask ask = asked->ask;
	json_t *trend;
	int code = 0;

	if (!asked->has_last)
		ask.last = asked->csv ? 0 : 30;
	trend = history_trend(db, &ask);
	if (!trend)
		return history_failed(db, asked->db);
	if (asked->json)
		code = write_json(trend, asked->json);
	if (code == 0 && asked->csv)
		code = write_csv(trend, asked->csv);
	if (!asked->json && !asked->csv)
		history_print_trend(trend, asked->kind, asked->language, stdout);
	json_decref(trend);
	return code;
}

/* JSON packed by gzip; NULL: out of memory. */
static char *pack(const json_t *json, size_t *length)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	size_t size = text ? strlen(text) : 0;
	z_stream z = {0};
	char *out = NULL;

	if (text && deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK) {
		uLong room = deflateBound(&z, size);

		out = malloc(room);
		z.next_in = (Bytef *)text;
		z.avail_in = (uInt)size;
		z.next_out = (Bytef *)out;
		z.avail_out = (uInt)room;
		if (out && deflate(&z, Z_FINISH) != Z_STREAM_END) {
			free(out);
			out = NULL;
		}
		*length = z.total_out;
		deflateEnd(&z);
	}
	free(text);
	return out;
}

/* As many windows as fit: fewer, until they do. */
static char *pack_within(struct database *db, size_t most, size_t *length)
{
	size_t windows = SIZE_MAX, all = 0;

	for (;;) {
		json_t *json = history_export(db, true, windows), *site;
		char *out = json ? pack(json, length) : NULL;
		size_t i, taken = 0;

		json_array_foreach(json_object_get(json, "sites"), i, site) taken +=
			json_array_size(json_object_get(site, "audits"));
		json_decref(json);
		if (!out || *length <= most || taken == 0)
			return out;
		free(out);
		all = taken;
		windows = (size_t)((double)all * (double)most / (double)*length * 0.95);
		if (windows >= all)
			windows = all - 1;
	}
}

static int write_copy(struct database *db, const struct asked *asked)
{
	size_t length = 0;
	char *packed = pack_within(db, COPY_BYTES, &length);
	struct output output;
	bool written;
	int code;

	if (!packed)
		return history_failed(db, asked->db);
	if (length > COPY_BYTES) {
		free(packed);
		return command_complain(EXIT_BAD_DATA,
		                        "too many sites and WANs for a copy of 64 kB; --json has "
		                        "all");
	}
	code = begin(&output, asked->compact);
	if (code == 0) {
		written = fwrite(packed, 1, length, output.file) == length;
		code = finish(&output, asked->compact, written);
	}
	free(packed);
	return code;
}

static int run_export(struct database *db, const struct asked *asked)
{
	json_t *json;
	int code;

	if (asked->compact)
		return write_copy(db, asked);
	if (asked->csv)
		return tell_trend(db, asked);
	json = history_export(db, false, SIZE_MAX);
	if (!json)
		return history_failed(db, asked->db);
	code = write_json(json, asked->json);
	json_decref(json);
	return code;
}

/* ---- import ---- */

struct counting {
	struct database *db;
	const struct asked *asked;
	const char *interface; /* the one before */
	int64_t wan;           /* what it is; 0 = none */
	const char *as;
	unsigned long days;
};

/* DEVICE=WAN as it was told; NULL: not told. */
static const char *told_wan(const struct asked *asked, const char *device)
{
	size_t length = strlen(device);

	for (size_t i = 0; i < asked->n_devices; i++)
		if (strncmp(asked->devices[i], device, length) == 0 &&
		    asked->devices[i][length] == '=')
			return asked->devices[i] + length + 1;
	return NULL;
}

static void tell_counted(struct counting *c)
{
	const struct telling how = {.language = c->asked->language};
	char n[TEXT_SHORT], name[200], as[200], message[800], words[1000];

	if (!c->interface)
		return;
	text_safe(name, sizeof(name), c->interface, 40);
	text_safe(as, sizeof(as), c->as ? c->as : "", 40);
	if (c->wan == 0)
		SAY_IN(message, history_no_such_wan, name);
	else
		SAY_IN(message, history_days_in, "vnstat", text_count(n, c->days), name, as);
	printf("%s\n", message_words(words, sizeof(words), message, &how));
}

static bool count_day(void *context, const struct vnstat_day *day)
{
	struct counting *c = context;

	if (!c->interface || strcmp(c->interface, day->interface) != 0) {
		const char *told = told_wan(c->asked, day->interface);

		tell_counted(c);
		c->interface = day->interface;
		c->as = told ? told : day->interface;
		c->days = 0;
		c->wan = history_find_wan(c->db, c->asked->ask.site, c->as);
		if (c->wan == 0 && *day->alias) {
			c->as = day->alias;
			c->wan = history_find_wan(c->db, c->asked->ask.site, c->as);
		}
	}
	if (c->wan == 0)
		return true;
	c->days++;
	return history_count_day(c->db, c->wan, day->year, day->month, day->day, day->rx, day->tx);
}

static int import_counted(struct database *db, const struct asked *asked, const json_t *json,
                          const char *path)
{
	struct counting counting = {.db = db, .asked = asked};
	size_t odd = vnstat_days(json, count_day, &counting);

	tell_counted(&counting);
	if (odd)
		command_complain(EXIT_BAD_DATA, "%s: %zu rows are no days and were left out", path,
		                 odd);
	if (!counting.interface)
		return command_complain(EXIT_BAD_DATA, "%s: it has no day of any interface", path);
	return 0;
}

static int import_file(struct database *db, const struct asked *asked, const char *path)
{
	const struct telling how = {.language = asked->language};
	enum filed_failure failure;
	char why[400], words[600], n[TEXT_SHORT], name[400];
	json_t *json = filed_json(path, &failure, why, sizeof(why));
	int code = 0;
	long taken;

	if (!json)
		return command_complain(failure == FILED_UNREADABLE ? EXIT_NO_INPUT : EXIT_BAD_DATA,
		                        "%s: %s", path,
		                        message_words(words, sizeof(words), why, &how));
	if (vnstat_is(json)) {
		code = import_counted(db, asked, json, path);
	} else if ((taken = history_import(db, json)) >= 0) {
		SAY_IN(why, history_windows_in, text_safe(name, sizeof(name), path, 60),
		       text_count(n, (uint64_t)taken));
		printf("%s\n", message_words(words, sizeof(words), why, &how));
	} else if (db->failure == DATABASE_FINE) {
		code = command_complain(EXIT_BAD_DATA,
		                        "%s: neither a copy of a history nor what vnstat --json "
		                        "prints (reports: history add)",
		                        path);
	}
	json_decref(json);
	return code;
}

/* The days that are marked now. */
static void tell_marked(struct database *db, const struct asked *asked)
{
	struct history_ask ask = {.site = asked->ask.site, .by = TIER_DAY};
	json_t *trend = history_trend(db, &ask);

	history_print_marks(trend, asked->language, stdout);
	json_decref(trend);
}

static int run_import(struct database *db, const struct asked *asked)
{
	int first = 0;

	database_begin(db);
	for (int i = 0; i < asked->n_files && db->failure == DATABASE_FINE; i++) {
		int code = import_file(db, asked, asked->files[i]);

		first = first ? first : code;
	}
	history_retain(db);
	if (!database_commit(db))
		return history_failed(db, asked->db);
	tell_marked(db, asked);
	return first;
}

json_t *history_of_report(const json_t *report, const char *path, int *code)
{
	const char *site = filed_text(report, "site");
	struct history_ask ask = {.site = site ? site : "", .by = TIER_DAY, .last = 62};
	struct database db;
	json_t *trend;

	*code = history_open(&db, path, false);
	if (*code)
		return NULL;
	trend = history_trend(&db, &ask);
	if (!trend)
		*code = history_failed(&db, path ? path : "(default)");
	database_close(&db);
	return trend;
}

/* ---- the subcommand ---- */

static const struct {
	const char *word;
	bool writes, takes_files;
	int (*run)(struct database *db, const struct asked *asked);
} actions[] = {
	{"add", true, true, run_add},        {"list", false, false, tell_list},
	{"trend", false, false, tell_trend}, {"export", false, false, run_export},
	{"import", true, true, run_import},
};
#define N_ACTIONS (sizeof(actions) / sizeof(*actions))

/* One of `names` by its place; -1 after a complaint. */
static int choose(const char *what, const char *word, const char *const *names, size_t count)
{
	const char *near;

	for (size_t i = 0; i < count; i++)
		if (strcmp(word, names[i]) == 0)
			return (int)i;
	near = text_nearest(word, names, count);
	command_complain(EXIT_USAGE, "%s \"%s\" is not known%s%s%s", what, word,
	                 near ? ", did you mean \"" : " (--help lists them)", near ? near : "",
	                 near ? "\"?" : "");
	return -1;
}

static int take_wan(struct asked *asked, const char *word)
{
	if (!strchr(word, '=')) {
		asked->ask.wan = word;
		return 0;
	}
	if (asked->n_devices == DEVICES_MAX)
		return command_complain(EXIT_USAGE, "--wan: at most %d devices", DEVICES_MAX);
	asked->devices[asked->n_devices++] = word;
	return 0;
}

static int take_last(struct asked *asked, const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	if (*end || end == word || *word == '-' || n > 1000000)
		return command_complain(EXIT_USAGE, "--last \"%s\" is no number", word);
	asked->ask.last = (unsigned)n;
	asked->has_last = true;
	return 0;
}

static int take_option(struct asked *asked, int option, const char *word)
{
	int chosen;

	switch (option) {
	case HISTORY_DB:
		asked->db = word;
		return 0;
	case HISTORY_SITE:
		asked->ask.site = word;
		return 0;
	case OPTION_WAN:
		return take_wan(asked, word);
	case HISTORY_KIND:
		chosen = choose("--kind", word, history_what_names, WHAT_COUNT);
		asked->kind = word;
		return chosen < 0 ? EXIT_USAGE : 0;
	case HISTORY_BY:
		chosen = choose("--by", word, history_tier_names, TIER_COUNT);
		asked->ask.by = chosen < 0 ? TIER_DAY : (enum history_tier)chosen;
		return chosen < 0 ? EXIT_USAGE : 0;
	case HISTORY_LAST:
		return take_last(asked, word);
	case HISTORY_LANG:
		return language_find(word, &asked->language)
		               ? 0
		               : command_complain(EXIT_USAGE, "--lang \"%s\": en or zh-CN", word);
	case HISTORY_CSV:
		asked->csv = word;
		return 0;
	case HISTORY_COMPACT:
		asked->compact = word;
		return 0;
	default:
		asked->json = word;
		return 0;
	}
}

static int run(int action, struct asked *asked)
{
	char place[PATH_SIZE];
	struct database db;
	int code = history_open(&db, asked->db, actions[action].writes);

	if (code)
		return code;
	if (!asked->db && history_default_path(place, sizeof(place)))
		asked->db = place;
	code = actions[action].run(&db, asked);
	database_close(&db);
	if (fflush(stdout) != 0 && code == 0 && errno != EPIPE)
		return command_complain(EXIT_CANNOT_WRITE, "standard output: %s", strerror(errno));
	return code;
}

int cmd_history(int argc, char **argv)
{
	struct asked asked = {.ask.by = TIER_DAY};
	const char *words[N_ACTIONS];
	int option, action, code;

	for (size_t i = 0; i < N_ACTIONS; i++)
		words[i] = actions[i].word;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h')
			return help();
		if (option == '?' || option == ':')
			return intake_bad_option(argv, options, option);
		code = take_option(&asked, option, optarg);
		if (code)
			return code;
	}
	if (optind == argc)
		return command_complain(EXIT_USAGE,
		                        "history: add, list, trend, export or import? (--help)");
	action = choose("history", argv[optind], words, N_ACTIONS);
	if (action < 0)
		return EXIT_USAGE;
	asked.files = argv + optind + 1;
	asked.n_files = argc - optind - 1;
	if (actions[action].takes_files && asked.n_files == 0)
		return command_complain(EXIT_USAGE,
		                        "history %s: no file named (- is standard input)",
		                        actions[action].word);
	if (!actions[action].takes_files && asked.n_files > 0)
		return command_complain(EXIT_USAGE, "history %s takes no file",
		                        actions[action].word);
	return run(action, &asked);
}
