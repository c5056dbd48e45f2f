/* SPDX-License-Identifier: MIT
 *
 * settings.c - see settings.h.
 */
#include "settings_inside.h"

#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define RING_MOST (1u << 30)
#define RING_STEP 131072
#define MiB       (UINT64_C(1) << 20)
/* Of a stream, unless told. */
#define STREAM_FLUSH_NS UINT64_C(100000000)

/* ---- the flags ---- */

/* What getopt_long() wants, of the table. */
struct flags {
	struct option longs[SETTINGS_ROWS + 1];
	char shorts[2 * SETTINGS_ROWS + 2];
	const char *interfaces[SETTINGS_INTERFACES];
	size_t n_interfaces;
};

static void list_flags(struct flags *flags)
{
	char *letter = flags->shorts;

	memset(flags, 0, sizeof(*flags));
	*letter++ = ':';
	for (size_t i = 0; i < SETTINGS_ROWS; i++) {
		bool value = settings_rows[i].unit != UNIT_SWITCH;

		flags->longs[i].name = settings_rows[i].name;
		flags->longs[i].has_arg = value ? required_argument : no_argument;
		flags->longs[i].val = (int)(256 + i);
		if (settings_rows[i].letter)
			*letter++ = settings_rows[i].letter;
		if (settings_rows[i].letter && value)
			*letter++ = ':';
	}
}

static const struct option_row *row_of_flag(int found)
{
	if (found >= 256)
		return &settings_rows[found - 256];
	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		if (found && settings_rows[i].letter == found)
			return &settings_rows[i];
	return NULL;
}

/* optopt: 0 no such long flag; a letter; or the flag whose value is missing, or too much. */
static bool refuse_flag(struct reading *r, const char *said, int found)
{
	const struct option_row *row = row_of_flag(optopt);
	char name[40];
	const char *near;

	if (found == ':' && row)
		return reading_refuse(r, "--%s: needs a value: %s", row->name, row->words);
	if (row)
		return reading_refuse(r, "--%s: takes no value", row->name);
	if (optopt)
		return reading_refuse(r, "unknown flag -%c; --help lists all", optopt);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(said + 2, "="), said + 2);
	near = nearest_option(name, false);
	return reading_refuse(r, "unknown flag --%s%s%s%s", reading_show(name).text,
	                      near ? ", did you mean --" : "", near ? near : "",
	                      near ? "?" : "; --help lists all");
}

static bool note_flag(struct reading *r, struct flags *flags, const struct option_row *row)
{
	r->flags[row - settings_rows] = optarg ? optarg : "yes";
	if (row->unit == UNIT_CONFIG)
		r->config = optarg;
	if (row->unit != UNIT_INTERFACE)
		return true;
	if (flags->n_interfaces == SETTINGS_INTERFACES)
		return reading_refuse(
			r, "more than %d times -i: a glob such as 'eth*' stands for many",
			SETTINGS_INTERFACES);
	flags->interfaces[flags->n_interfaces++] = optarg;
	return true;
}

static bool read_flags(struct reading *r, struct flags *flags, int argc, char **argv)
{
	int found;

	opterr = 0;
	optind = 0; /* begin anew: at HUP the flags are read again */
	while ((found = getopt_long(argc, argv, flags->shorts, flags->longs, NULL)) != -1) {
		if (found == '?' || found == ':')
			return refuse_flag(r, argv[optind - 1], found);
		if (!note_flag(r, flags, row_of_flag(found)))
			return false;
	}
	if (optind < argc)
		return reading_refuse(
			r,
			"\"%s\" belongs to no flag: write -i before each device, and quote a "
			"glob: -i 'wwan*'",
			reading_show(argv[optind]).text);
	return true;
}

static bool set_interfaces(struct reading *r, const struct flags *flags)
{
	r->own_interfaces = flags->n_interfaces > 0;
	for (size_t i = 0; i < flags->n_interfaces; i++)
		if (!reading_set(r, &settings_rows[0], flags->interfaces[i]))
			return false;
	return true;
}

static bool set_flags(struct reading *r)
{
	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		if (r->flags[i] && settings_rows[i].unit < UNIT_INTERFACE &&
		    !reading_set(r, &settings_rows[i], r->flags[i]))
			return false;
	r->key = NULL;
	return true;
}

/* ---- what was not said, and what does not go together ---- */

static bool flagged(const struct reading *r, const struct option_row *row)
{
	return r->flags[row - settings_rows] != NULL;
}

static void set_defaults(struct reading *r)
{
	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		if (settings_rows[i].fallback)
			reading_set(r, &settings_rows[i], settings_rows[i].fallback);
	memset(r->said, 0, sizeof(r->said));
	r->key = NULL;
}

/* Of a ring in tmpfs, which is memory. */
static uint64_t default_ring(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t tenth = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 10 : 64 * MiB;

	if (tenth < MiB)
		tenth = MiB;
	return tenth < 64 * MiB ? tenth & ~(MiB - 1) : 64 * MiB;
}

static bool settle_sizes(struct reading *r)
{
	struct settings *s = r->settings;
	uint64_t quarter, least = ROW(rotate_bytes)->min;

	if (!r->said[ROW(max_bytes) - settings_rows])
		s->max_bytes = default_ring();
	if (s->max_files && s->max_files <= s->n_interfaces && !s->output[0])
		return reading_refuse(r,
		                      "--max-files: each device has a file that is being written: "
		                      "write at least %zu",
		                      s->n_interfaces * 2);
	if (s->max_bytes == 0)
		return true;
	quarter = s->max_bytes / 4;
	if (r->said[ROW(rotate_bytes) - settings_rows] && s->rotate_bytes > s->max_bytes &&
	    !s->output[0])
		return reading_refuse(
			r,
			"--rotate-size: one file would be larger than the ring (--max-bytes "
			"%" PRIu64 "): write at most a quarter of it",
			s->max_bytes);
	if (!r->said[ROW(rotate_bytes) - settings_rows] && s->rotate_bytes > quarter)
		s->rotate_bytes = quarter > least ? quarter : least;
	return true;
}

/* A flag wins over the file; two flags are two wishes. */
static bool settle_place(struct reading *r)
{
	struct settings *s = r->settings;
	bool two = s->directory[0] && s->output[0];

	if (two && flagged(r, ROW(directory)) == flagged(r, ROW(output)))
		return reading_refuse(r,
		                      "both a directory and a file to write: give either -d or -w");
	if (two && flagged(r, ROW(output)))
		s->directory[0] = '\0';
	else if (two)
		s->output[0] = '\0';
	if (!s->directory[0] && !s->output[0] && !s->request[0])
		return reading_refuse(
			r, "no place for the recording: write -d SPOOL for files that rotate, or "
			   "-w FILE (-w - for standard output)");
	if (s->output[0] && s->zstd_level && flagged(r, ROW(zstd_level)))
		return reading_refuse(
			r, "--zstd: compresses files of a spool: with -w pipe through zstd");
	if (s->output[0])
		s->zstd_level = 0;
	return true;
}

/* Whoever reads a stream waits for it. */
static void settle_stream(struct reading *r)
{
	if (r->settings->output[0] && !r->said[ROW(flush_ns) - settings_rows])
		r->settings->flush_ns = STREAM_FLUSH_NS;
}

static bool settle_control(struct reading *r)
{
	struct settings *s = r->settings;
	static const char name[] = "/control";

	if (!r->said[ROW(control) - settings_rows] && s->directory[0]) {
		size_t n = strlen(s->directory);

		if (n + sizeof(name) > sizeof(s->control))
			return reading_refuse(r, "--directory: %zu bytes are too long", n);
		memcpy(s->control, s->directory, n);
		memcpy(s->control + n, name, sizeof(name));
	}
	if (s->request[0] && !s->control[0])
		return reading_refuse(
			r, "--request: which recorder? Write -d SPOOL or --control PATH");
	return true;
}

static int role_index(const char *role)
{
	for (int i = 0; i < SETTINGS_ROLES; i++)
		if (strcmp(role, settings_roles[i]) == 0)
			return i;
	return -1;
}

static void settle_keep(struct reading *r)
{
	struct settings *s = r->settings;

	for (size_t i = 0; i < SETTINGS_ROLES; i++) {
		const struct option_row *row =
			settings_row(offsetof(struct settings, keep_role) + i * sizeof(uint32_t));

		if (!r->said[row - settings_rows])
			s->keep_role[i] = s->keep;
	}
	for (size_t i = 0; i < s->n_interfaces; i++) {
		struct settings_interface *interface = &s->interfaces[i];
		int role = role_index(interface->role);

		if (!interface->own_keep)
			interface->keep = role < 0 ? s->keep : s->keep_role[role];
	}
}

static const char *wan_name(const struct settings_interface *interface)
{
	if (interface->wan[0])
		return interface->wan;
	return settings_is_glob(interface->pattern) ? NULL : interface->pattern;
}

static bool settle_wans(struct reading *r)
{
	const struct settings *s = r->settings;

	for (size_t i = 0; i < s->n_interfaces; i++)
		for (size_t k = 0; k < i; k++) {
			const char *a = wan_name(&s->interfaces[i]),
				   *b = wan_name(&s->interfaces[k]);

			if (a && b && strcmp(a, b) == 0)
				return reading_refuse(
					r,
					"two interfaces (%s, %s) would be the WAN \"%s\": give "
					"each its own wan",
					s->interfaces[k].pattern, s->interfaces[i].pattern, a);
		}
	return true;
}

static bool settle(struct reading *r)
{
	struct settings *s = r->settings;

	if (s->quiet && s->verbose)
		return reading_refuse(r, "--quiet and --verbose: choose one");
	if (!settle_place(r) || !settle_control(r))
		return false;
	if (s->request[0])
		return true;
	if (s->n_interfaces == 0)
		return reading_refuse(
			r, "nothing to record: write -i eth1=master (again for each WAN), or "
			   "[interface eth1] in " SETTINGS_FILE);
	settle_keep(r);
	settle_stream(r);
	return settle_sizes(r) && settle_wans(r);
}

/* ---- all of it ---- */

/* The file that was named; else the one of the system, if it is needed and there. */
static bool load_config(struct reading *r)
{
	bool asks = r->flags[ROW(request) - settings_rows] &&
	            (r->flags[ROW(directory) - settings_rows] ||
	             r->flags[ROW(control) - settings_rows]);

	if (r->config)
		return reading_load(r, r->config);
	if (r->own_interfaces || asks || access(SETTINGS_FILE, F_OK) != 0)
		return true;
	return reading_load(r, SETTINGS_FILE);
}

bool settings_read(struct settings *settings, int argc, char **argv, char *message, size_t size)
{
	struct reading r = {.settings = settings, .message = message, .size = size};
	struct flags flags;

	memset(settings, 0, sizeof(*settings));
	message[0] = '\0';
	list_flags(&flags);
	if (!read_flags(&r, &flags, argc, argv))
		return false;
	settings->help = flagged(&r, ROW(help));
	settings->version = flagged(&r, ROW(version));
	if (settings->help || settings->version)
		return true;
	set_defaults(&r);
	return set_interfaces(&r, &flags) && load_config(&r) && set_flags(&r) && settle(&r);
}

const struct settings_interface *settings_match(const struct settings *settings, const char *device)
{
	const struct settings_interface *end = settings->interfaces + settings->n_interfaces;

	for (const struct settings_interface *i = settings->interfaces; i < end; i++)
		if (strcmp(i->pattern, device) == 0)
			return i;
	for (const struct settings_interface *i = settings->interfaces; i < end; i++)
		if (settings_is_glob(i->pattern) && fnmatch(i->pattern, device, 0) == 0)
			return i;
	return NULL;
}

/* Frames that come while nobody reads must find room: header of the ring and what is kept. */
static uint32_t ring_for(const struct settings *settings, uint32_t keep)
{
	uint64_t frame = keep == KEEP_HEADERS ? 200 : keep == 0 || keep > 1514 ? 1700 : keep + 130;
	/* 10^8 per second x 3600 s x 1700 bytes fit in 64 bits, by parts */
	uint64_t frames = settings->peak_pps * (settings->stall_ns / MS) / 1000;
	uint64_t bytes = (frames * frame + RING_STEP - 1) / RING_STEP * RING_STEP;

	if (bytes < 2 * RING_STEP)
		return 2 * RING_STEP;
	return bytes < RING_MOST ? (uint32_t)bytes : RING_MOST;
}

/* A frame in a block that is not full waits so long: a tenth of what a kill may cost. Not less than
 * 40 ms: 64 blocks of the ring shall last for some seconds in which nobody reads. */
static uint32_t retire_for(uint64_t flush_ns)
{
	uint64_t ms = flush_ns / 10 / MS;

	return ms < 40 ? 40 : ms > 100 ? 100 : (uint32_t)ms;
}

void settings_request(const struct settings *settings, const struct settings_interface *interface,
                      const char *device, struct live_request *request)
{
	const char *filter = interface->filter[0] ? interface->filter : settings->filter;

	memset(request, 0, sizeof(*request));
	snprintf(request->device, sizeof(request->device), "%s", device);
	snprintf(request->filter, sizeof(request->filter), "%s", filter);
	request->keep = interface->keep;
	request->ring_bytes =
		settings->ring_bytes ? settings->ring_bytes : ring_for(settings, interface->keep);
	request->retire_ms = retire_for(settings->flush_ns);
	request->backend = settings->backend; /* LIVE_BACKENDS: the first that can */
}
