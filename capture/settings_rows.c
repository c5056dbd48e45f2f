/* SPDX-License-Identifier: MIT
 *
 * settings_rows.c - the table of options, and what is printed from it. See settings_inside.h.
 */
#include "settings_inside.h"

#include <inttypes.h>
#include <string.h>

#include "amount.h"

#define AT(member)                                                                                 \
	.offset = offsetof(struct settings, member), .width = sizeof(((struct settings *)0)->member)
#define TEXT(member)                                                                               \
	.offset = offsetof(struct settings, member), .max = sizeof(((struct settings *)0)->member)
#define ROLE(index)                                                                                \
	.unit = UNIT_KEEP,                                                                         \
	.offset = offsetof(struct settings, keep_role) + (index) * sizeof(uint32_t),               \
	.width = sizeof(uint32_t), .words = "N|headers"

#define RING_LEAST 65536
#define RING_MOST  (1u << 30)

/* clang-format off */
const struct option_row settings_rows[] = {
	{"interface", 'i', .flag_only = true, .unit = UNIT_INTERFACE, .words = "PATTERN[=ROLE][,KEY=VALUE...]",
	 .meaning = "record the devices of this name or glob, present or not; ROLE: master, on, backup, off; "
		    "KEY: wan (its name in files), snaplen, filter (last: takes the rest); may be repeated"},
	{"config", 'c', .flag_only = true, .unit = UNIT_CONFIG, .words = "FILE",
	 .meaning = "read this file (" SETTINGS_FILE " when no -i is given)"},
	{"directory", 'd', .unit = UNIT_TEXT, .min = 1, TEXT(directory), .words = "SPOOL",
	 .meaning = "write a series of files per WAN into this directory"},
	{"write", 'w', .unit = UNIT_TEXT, .min = 1, TEXT(output), .words = "FILE|-",
	 .meaning = "write one stream of all devices into this file or to standard output instead"},
	{"filter", 'f', .unit = UNIT_FILTER, TEXT(filter), .words = "EXPR",
	 .meaning = "record only what matches this libpcap filter"},
	{"snaplen", 's', .unit = UNIT_KEEP, AT(keep), .fallback = "headers", .words = "N|headers",
	 .meaning = "bytes kept of each frame; headers: no TCP payload; 0: all"},
	{"snaplen-master", ROLE(0), .meaning = "the same for devices of this role"},
	{"snaplen-on", ROLE(1), .meaning = "the same for devices of this role"},
	{"snaplen-backup", ROLE(2), .meaning = "the same for devices of this role"},
	{"snaplen-off", ROLE(3), .meaning = "the same for devices of this role"},
	{"rotate-size", .unit = UNIT_BYTES, AT(rotate_bytes), .min = 65536, .max = 1ull << 40, .fallback = "16M",
	 .words = "SIZE", .meaning = "begin a new file at this size (at most a quarter of --max-bytes unless told)"},
	{"rotate-time", .unit = UNIT_TIME, AT(rotate_ns), .min = SECOND, .max = 366 * DAY, .fallback = "5m",
	 .words = "TIME", .meaning = "begin a new file after this time, traffic or not"},
	{"max-bytes", .unit = UNIT_BYTES, AT(max_bytes), .max = 1ull << 50, .words = "SIZE",
	 .meaning = "delete the oldest files above this sum; 0: never (default: 64M or a tenth of memory)"},
	{"max-files", .unit = UNIT_NUMBER, AT(max_files), .max = 100000000, .fallback = "0", .words = "N",
	 .meaning = "delete the oldest files above this number; 0: never"},
	{"max-age", .unit = UNIT_TIME, AT(max_age_ns), .max = 36600 * DAY, .fallback = "0", .words = "TIME",
	 .meaning = "delete files older than this; 0: never"},
	{"keep-free", .unit = UNIT_BYTES, AT(keep_free), .max = 1ull << 50, .fallback = "0", .words = "SIZE",
	 .meaning = "leave this much of the file system free"},
	{"flush", .unit = UNIT_TIME, AT(flush_ns), .min = 10 * MS, .max = 3600 * SECOND, .fallback = "1s",
	 .words = "TIME", .meaning = "hand frames over to the system at least so often: what a kill can cost"},
	{"statistics", .unit = UNIT_TIME, AT(statistics_ns), .min = SECOND, .max = DAY, .fallback = "1m",
	 .words = "TIME", .meaning = "write drops and interface counters into the files so often"},
	{"buffer", .unit = UNIT_BYTES, AT(ring_bytes), .min = RING_LEAST, .max = RING_MOST, .words = "SIZE",
	 .meaning = "ring of each device in the kernel (default: --peak-pps x --stall x frame)"},
	{"peak-pps", .unit = UNIT_NUMBER, AT(peak_pps), .min = 1, .max = 100000000, .fallback = "20000", .words = "N",
	 .meaning = "frames per second that a device may bring"},
	{"stall", .unit = UNIT_TIME, AT(stall_ns), .min = MS, .max = 3600 * SECOND, .fallback = "500ms", .words = "TIME",
	 .meaning = "for how long the ring must hold them while nobody reads"},
	{"zstd", .unit = UNIT_NUMBER, AT(zstd_level), .max = 19, .fallback = "0", .words = "LEVEL",
	 .meaning = "compress the files, 1 (fast) to 19; 0: not"},
	{"user", .unit = UNIT_USER, .min = 1, TEXT(user), .words = "NAME",
	 .meaning = "become this user (default, for root: mptcp-captured if there is one, else nobody)"},
	{"control", .unit = UNIT_TEXT, TEXT(control), .words = "PATH",
	 .meaning = "unix socket to ask the recorder at (default: SPOOL/control; empty: none)"},
	{"backend", .unit = UNIT_WORD, AT(backend), .fallback = "auto", .words = "ring|pcap|auto",
	 .meaning = "read through a mapped ring, through libpcap, or the better of what works"},
	{"count", .unit = UNIT_NUMBER, AT(count), .max = UINT64_MAX, .fallback = "0", .words = "N",
	 .meaning = "stop after so many frames; 0: never"},
	{"duration", .unit = UNIT_TIME, AT(duration_ns), .max = 36600 * DAY, .fallback = "0", .words = "TIME",
	 .meaning = "stop after this time; 0: never"},
	{"check", .flag_only = true, .unit = UNIT_SWITCH, AT(check),
	 .meaning = "print what is in force, and end"},
	{"request", .flag_only = true, .unit = UNIT_REQUEST, .min = 1, TEXT(request), .words = "status|rotate|flush|stop|metrics",
	 .meaning = "ask the recorder that runs (-d or --control says where), print its answer, and end"},
	{"quiet", 'q', .unit = UNIT_SWITCH, AT(quiet), .meaning = "say only what went wrong"},
	{"verbose", 'v', .unit = UNIT_SWITCH, AT(verbose), .meaning = "say more"},
	{"help", 'h', .flag_only = true, .unit = UNIT_SWITCH, AT(help), .meaning = "print this, and end"},
	{"version", 'V', .flag_only = true, .unit = UNIT_SWITCH, AT(version), .meaning = "print the version, and end"},
};
/* clang-format on */
_Static_assert(sizeof(settings_rows) / sizeof(settings_rows[0]) == SETTINGS_ROWS, "count them");

const struct option_row *settings_row(size_t offset)
{
	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		if (settings_rows[i].offset == offset && settings_rows[i].unit < UNIT_INTERFACE)
			return &settings_rows[i];
	return NULL;
}

void settings_store(const struct option_row *row, struct settings *settings, uint64_t value)
{
	char *member = (char *)settings + row->offset;

	if (row->width == sizeof(uint64_t))
		memcpy(member, &value, sizeof(value));
	else if (row->width == sizeof(uint32_t))
		memcpy(member, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
	else
		memcpy(member, &(uint8_t){(uint8_t)value}, sizeof(uint8_t));
}

static uint64_t load(const struct option_row *row, const struct settings *settings)
{
	const char *member = (const char *)settings + row->offset;
	uint64_t wide;
	uint32_t word;

	if (row->width == sizeof(wide)) {
		memcpy(&wide, member, sizeof(wide));
		return wide;
	}
	if (row->width == sizeof(word)) {
		memcpy(&word, member, sizeof(word));
		return word;
	}
	return *(const uint8_t *)member;
}

void settings_swap(char *text, char from, char to)
{
	for (; *text; text++)
		if (*text == from)
			*text = to;
}

/* ---- telling ---- */

/* A long text in lines of at most 78 columns, behind a margin. */
static void print_wrapped(FILE *out, const char *text, int margin)
{
	int column = margin;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column + n > 78 && column > margin) {
			fprintf(out, "\n%*s", margin, "");
			column = margin;
		}
		fprintf(out, "%s%.*s", column > margin ? " " : "", n, text);
		column += n + 1;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_row(FILE *out, const struct option_row *row)
{
	char head[100], meaning[300];
	const char *fallback = row->fallback;

	snprintf(head, sizeof(head), "  %c%c%c --%s%s%s", row->letter ? '-' : ' ',
	         row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name,
	         row->unit == UNIT_SWITCH ? "" : " ", row->unit == UNIT_SWITCH ? "" : row->words);
	snprintf(meaning, sizeof(meaning), "%s%s%s%s", row->meaning, fallback ? " (default: " : "",
	         fallback ? fallback : "", fallback ? ")" : "");
	fprintf(out, "%s\n%*s", head, 10, "");
	print_wrapped(out, meaning, 10);
}

void settings_help(FILE *out)
{
	fputs("usage: mptcp-captured -i PATTERN[=ROLE]... -d SPOOL\n"
	      "       mptcp-captured -i PATTERN[=ROLE]... -w FILE|-\n"
	      "       mptcp-captured -d SPOOL --request status|rotate|flush|stop|metrics\n\n"
	      "Records every WAN, says what it missed. Flags win over the configuration file,\n"
	      "whose section [captured] has the same names with _ for -; sections\n"
	      "[interface PATTERN] have role, wan, snaplen and filter.\n"
	      "SIZE counts by 1024: 512K 16M 1G. TIME: 500ms 30s 5m 12h 7d; alone: seconds.\n\n",
	      out);
	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		print_row(out, &settings_rows[i]);
	fputs("\nSignals: TERM, INT finish; USR1 rotates; HUP reads the configuration again.\n"
	      "Exit: 0 all recorded, 3 the kernel dropped frames, 4 some could not be written,\n"
	      "5 a device never appeared, 64 usage, 70 internal, 73 cannot write,\n"
	      "77 permission, 78 configuration.\n",
	      out);
}

/* Lines that an INI file may hold: what is long goes on behind a space. */
static void print_filter(FILE *out, const char *filter)
{
	if (!filter[0])
		return;
	fputs("filter = ", out);
	print_wrapped(out, filter, 8);
}

static void print_keep(FILE *out, const char *name, uint32_t keep)
{
	if (keep == KEEP_HEADERS)
		fprintf(out, "%s = headers\n", name);
	else
		fprintf(out, "%s = %" PRIu32 "\n", name, keep);
}

static void print_setting(FILE *out, const struct settings *settings, const struct option_row *row)
{
	const char *text = (const char *)settings + row->offset, *word = row->words;
	char name[32], amount[32];

	snprintf(name, sizeof(name), "%s", row->name);
	settings_swap(name, '-', '_');
	switch (row->unit) {
	case UNIT_NUMBER:
	case UNIT_BYTES:
	case UNIT_TIME:
		amount_format((enum amount_unit)row->unit, load(row, settings), amount,
		              sizeof(amount));
		if (row->fallback || load(row, settings) || row == ROW(max_bytes))
			fprintf(out, "%s = %s\n", name, amount);
		break;
	case UNIT_KEEP:
		print_keep(out, name, (uint32_t)load(row, settings));
		break;
	case UNIT_WORD:
		for (uint64_t i = load(row, settings); i > 0; i--)
			word = strchr(word, '|') + 1;
		fprintf(out, "%s = %.*s\n", name, (int)strcspn(word, "|"), word);
		break;
	case UNIT_FILTER:
		print_filter(out, text);
		break;
	case UNIT_SWITCH:
		fprintf(out, "%s = %s\n", name, load(row, settings) ? "yes" : "no");
		break;
	default:
		if (text[0])
			fprintf(out, "%s = %s\n", name, text);
	}
}

void settings_print(const struct settings *settings, FILE *out)
{
	fputs("[captured]\n", out);
	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		if (!settings_rows[i].flag_only)
			print_setting(out, settings, &settings_rows[i]);
	for (size_t i = 0; i < settings->n_interfaces; i++) {
		const struct settings_interface *interface = &settings->interfaces[i];

		fprintf(out, "\n[interface %s]\n", interface->pattern);
		if (interface->role[0])
			fprintf(out, "role = %s\n", interface->role);
		if (interface->wan[0])
			fprintf(out, "wan = %s\n", interface->wan);
		print_keep(out, "snaplen", interface->keep);
		print_filter(out, interface->filter);
	}
}
