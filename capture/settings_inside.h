/* SPDX-License-Identifier: MIT
 *
 * settings_inside.h - what the files of settings share: the table of options, and what was read so
 * far.
 *
 * settings_rows.c the table, and what is said from it; settings_value.c one value, one interface;
 * settings_file.c the configuration file; settings.c flags, defaults, contradictions.
 */
#ifndef CAPTURE_SETTINGS_INSIDE_H
#define CAPTURE_SETTINGS_INSIDE_H

#include "settings.h"

#define SECOND UINT64_C(1000000000) /* ns */
#define MS     UINT64_C(1000000)
#define DAY    (86400 * SECOND)

/* ---- the table ---- */

enum unit {
	UNIT_NUMBER, /* the first three are those of amount.h */
	UNIT_BYTES,
	UNIT_TIME,
	UNIT_KEEP, /* "headers" or bytes */
	UNIT_WORD, /* one of `words`, stored as its index */
	UNIT_TEXT,
	UNIT_FILTER,
	UNIT_USER,
	UNIT_REQUEST,
	UNIT_SWITCH,
	UNIT_INTERFACE, /* no one member: read before all others */
	UNIT_CONFIG,
};

struct option_row {
	const char *name; /* the flag; in a file with _ for - */
	char letter;      /* 0: none */
	bool flag_only;   /* means nothing in a file */
	enum unit unit;
	uint8_t width;     /* bytes of its member, for numbers */
	size_t offset;     /* of its member in struct settings */
	uint64_t min, max; /* of the value; of a text its room */
	const char *fallback;
	const char *words; /* "a|b|c", for UNIT_WORD; else what --help shows for the value */
	const char *meaning;
};

#define SETTINGS_ROWS 33
extern const struct option_row settings_rows[SETTINGS_ROWS];

/* A member is looked up by where it lies: each has one row. */
const struct option_row *settings_row(size_t offset);
#define ROW(member) settings_row(offsetof(struct settings, member))

void settings_store(const struct option_row *row, struct settings *settings, uint64_t value);

/* Names have - in flags and _ in files. */
void settings_swap(char *text, char from, char to);

/* ---- reading: where we are, and what was said ---- */

struct reading {
	struct settings *settings;
	const char *flags[SETTINGS_ROWS]; /* the value of each flag that was given */
	const char *config;
	bool said[SETTINGS_ROWS]; /* by the file, then by flags, too */
	bool own_interfaces;      /* -i was given: sections of the file do not count */

	/* where a value comes from, for messages */
	const char *file; /* NULL: a flag */
	const char *key;
	unsigned line;

	/* the file */
	const char *at, *end;
	struct settings_interface *interface; /* of the section; NULL in [captured] */
	struct settings_interface spare;      /* takes what does not count */
	bool in_section;
	bool continued;       /* this line goes on with the filter above */
	unsigned keys;        /* bits: keys of this section that were said */
	char *filter;         /* that may go on in the next line, not yet checked; or NULL */
	unsigned filter_line; /* where it began */

	char *message;
	size_t size;
};

/* False, always; says where and what, unless something was said already. */
__attribute__((format(printf, 2, 3))) bool reading_refuse(struct reading *r, const char *format,
                                                          ...);

/* As much of a value as a message should hold. */
struct shown {
	char text[48];
};
struct shown reading_show(const char *value);

/* ---- did you mean ---- */

/* Remembers the nearest word so far. Words that share less than half are not near. */
struct nearest {
	const char *word; /* NULL: none */
	unsigned distance;
};
void nearest_consider(struct nearest *nearest, const char *said, const char *word);
/* The option's name, or NULL. */
const char *nearest_option(const char *said, bool in_file);

/* ---- values ---- */

/* Check and store the value of an option. */
bool reading_set(struct reading *r, const struct option_row *row, const char *text);

/* Is it a glob, and no name? */
bool settings_is_glob(const char *pattern);

/* A new row for the pattern, or where to put what does not count; NULL when it is refused. */
struct settings_interface *reading_add_interface(struct reading *r, const char *pattern);
/* A key of a section [interface PATTERN], and of -i after a comma. */
bool reading_set_key(struct reading *r, struct settings_interface *interface, const char *key,
                     const char *value);
bool settings_is_interface_key(const char *key);

/* A filter may go on in the next line: look at the one before when something else begins. */
bool reading_end_filter(struct reading *r);
bool reading_more_filter(struct reading *r, const char *more);

/* ---- the file ---- */

bool reading_load(struct reading *r, const char *path);

#endif
