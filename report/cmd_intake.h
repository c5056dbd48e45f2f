/* SPDX-License-Identifier: MIT
 *
 * cmd_intake.h - what all subcommands with inputs share: their options, and the way from files to a
 * ledger.
 *
 * Speaks on standard error; standard output is the subcommand's.
 */
#ifndef REPORT_CMD_INTAKE_H
#define REPORT_CMD_INTAKE_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../dissect/ledger.h"
#include "../dissect/sites.h"
#include "message.h"
#include "policy.h"
#include "zone.h"

struct sighting;
struct site_list;
struct kin;
struct output;
struct uci;

/* One file, directory or "-" the user named; strings are borrowed from argv. */
struct intake_input {
	const char *path;
	char *wan;        /* owned; NULL = told by the capture */
	bool aside;       /* role off: does not bound the shared time */
	bool ledger;      /* a ledger's JSON, also packed, or a store; not a capture */
	bool store;       /* what follow keeps (cmd_store.h) */
	const char *role; /* static text: of all WANs of a ledger, NULL = not named */
};

/* --wan NAME=ADDRESS/LEN, or NAME=id:N */
struct intake_split {
	char *wan, *network; /* owned; what tells it, as it was written */
	struct sites_sign sign;
};

struct intake_shift {
	char *wan; /* owned */
	int64_t ns;
};

/* What was asked of the time to judge (cmd_window.h); strings are borrowed from argv. */
struct window_ask {
	const char *from, *to, *window, *zone;
	int billing_day;    /* 0 = not told */
	const char *billed; /* [WAN=]BYTES */
};

struct intake {
	struct intake_input *inputs; /* owned */
	size_t n_inputs;
	struct intake_shift *shifts; /* owned */
	size_t n_shifts;
	struct intake_split *splits; /* owned */
	size_t n_splits;
	struct site_list *sites; /* owned; NULL = no --sites */
	struct policy policy;
	struct uci *uci;          /* owned; NULL = no --uci */
	const char *filter;       /* borrowed from argv; NULL = none */
	const char *json;         /* borrowed; where --json goes, NULL = not asked for */
	const char *html;         /* the same of --html */
	bool anonymize;            /* --anonymize: names stay here */
	size_t connections;       /* --connections: SIZE_MAX = all; 0 = not told */
	const char *history;       /* of --history: a file to read; NULL = none */
	enum language language;   /* of what is written for people */
	uint64_t now_ns;          /* --now, or 0 */
	bool settled;             /* the end of the window is so long past that a file which is still
	                             being written holds all before it */
	bool done;                /* set by who has seen enough frames: reading stops */
	struct kin *kin;           /* borrowed: whom each subflow belongs to goes there; or NULL */
	const char *state;        /* --state (cmd_state.h), borrowed; NULL = not asked for */
	const char *state_next;   /* borrowed; where the new one goes instead of in its place, for who
	                             can do without the old one */
	bool digests;             /* --sha256 */
	bool adds_up;             /* with a state: what is open stays out of the ledger */
	struct output *new_state; /* owned; beside its place until all else is done */
	struct window_ask ask;
	char *billed_wan; /* owned; NULL = not named */
	uint64_t billed_bytes;
	bool billed_binary;
	struct zone zone;        /* the site\'s clocks */
	uint64_t from_ns, to_ns; /* the window that is judged, [from, to); 0 = not bounded */
};

enum intake_option {
	OPTION_MASTER = 1000,
	OPTION_ON,
	OPTION_BACKUP,
	OPTION_OFF,
	OPTION_ROLE,
	OPTION_CONFIG,
	OPTION_LIMIT,
	OPTION_UCI,
	OPTION_PROFILE,
	OPTION_SHIFT,
	OPTION_WAN,
	OPTION_NOW,
	OPTION_JSON,
	OPTION_HTML,
	OPTION_LANG,
	OPTION_HISTORY,
	OPTION_STATE,
	OPTION_SITES,
	OPTION_ANONYMIZE,
	OPTION_SHA256,
	OPTION_CONNECTIONS,
	OPTION_OWN, /* a subcommand's own long options begin here */
};

/* Rows for a getopt_long() table; the short ones are "f:h". --json is left to the subcommand. */
/* clang-format off */
#define INTAKE_LONG_OPTIONS                                                                      \
	{"master", required_argument, NULL, OPTION_MASTER}, {"on", required_argument, NULL, OPTION_ON},     \
	{"backup", required_argument, NULL, OPTION_BACKUP}, {"off", required_argument, NULL, OPTION_OFF},   \
	{"role", required_argument, NULL, OPTION_ROLE}, {"config", required_argument, NULL, OPTION_CONFIG}, \
	{"limit", required_argument, NULL, OPTION_LIMIT}, {"uci", required_argument, NULL, OPTION_UCI},     \
	{"profile", required_argument, NULL, OPTION_PROFILE}, {"shift", required_argument, NULL, OPTION_SHIFT}, \
	{"now", required_argument, NULL, OPTION_NOW}, {"filter", required_argument, NULL, 'f'},             \
	{"wan", required_argument, NULL, OPTION_WAN},                                                       \
	{"help", no_argument, NULL, 'h'}
/* clang-format on */

/* The lines of --help about them. */
extern const char intake_help[];
void intake_print_limits(void);

void intake_init(struct intake *intake);
void intake_release(struct intake *intake);

/* One option from getopt_long(). -1: not one of ours; 0: taken; else an exit code, already
 * explained. */
int intake_option(struct intake *intake, int option, const char *argument);

/* A file that somebody wrote by hand (--config, --sites). NULL: *code, already explained. */
FILE *intake_open_text(const char *option, const char *path, int *code);

/* getopt_long() returned '?' or ':': say what is wrong, with a suggestion. Returns EXIT_USAGE. */
int intake_bad_option(char **argv, const struct option *options, int result);

/* All options are taken: what they told together is worked out. intake_words() does this too. */
void intake_expect(struct intake *intake);

/* The words that are not options: inputs as FILE or NAME=FILE. 0 or an exit code, already
 * explained. */
int intake_words(struct intake *intake, int argc, char **argv, int first);

/* With --sites all is read into the ledgers of that list, and `ledger` stays empty. */
/*
 * Read all inputs into *ledger, which the caller has initialised. `settled` (may be NULL) gets each
 * frame of the captures with its texts filled when it is settled; without it the ledger is put in
 * order and checked at the end. 0 or an exit code, already explained.
 */
int intake_read(struct intake *intake, struct ledger *ledger,
                void (*settled)(void *context, const struct sighting *sighting), void *context);

/* Load one ledger file. 0 or an exit code, already explained. */
int intake_load(const char *path, struct ledger *ledger);

/* Save it; `path` NULL or "-" is standard output. 0 or an exit code, already explained. */
int intake_save(const struct ledger *ledger, const char *path);

#endif
