/* SPDX-License-Identifier: MIT
 *
 * cmd_demo.c - mptcp-audit demo: two shipped days as pages in both languages, and what to do next.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_intake.h"
#include "cmd_render.h"
#include "cmd_window.h"
#include "command.h"
#include "page.h"
#include "render.h"
#include "report.h"

#ifndef MPTCP_AUDIT_DATA
#define MPTCP_AUDIT_DATA "/usr/local/share/mptcp-audit"
#endif

enum { DEMO_PATH = PATH_MAX, DEMO_FILE = PATH_MAX + 100 };

/* A day of two WANs: a folder with fibre.pcap.gz, lte.pcap.gz and site.ini. */
static const struct story {
	const char *folder;
	enum message what;
} stories[] = {
	{"day-late", MESSAGE_demo_late},
	{"day-fine", MESSAGE_demo_fine},
};
#define GRAB      "capture/mptcp-grab"
#define N_STORIES (sizeof(stories) / sizeof(*stories))

static const char *const wans[] = {"fibre", "lte"};

struct demo {
	const char *from; /* --story */
	const char *into;
	enum language language;
	uint64_t now_ns; /* 0: the clock's */
	bool helped;
	char place[DEMO_PATH];
};

enum { OPTION_STORY = OPTION_OWN, OPTION_DEMO_LANG };

static const struct option long_options[] = {
	{"output", required_argument, NULL, 'o'},
	{"story", required_argument, NULL, OPTION_STORY},
	{"lang", required_argument, NULL, OPTION_DEMO_LANG},
	{"now", required_argument, NULL, OPTION_NOW},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit demo [OPTION]...\n"
	      "A shipped day on which the backup was not let go in time, and the same day as it\n"
	      "should be: what an audit says of each, and pages of both in English and Chinese.\n\n"
	      "  -o, --output DIR  where the pages go (default: mptcp-audit-demo)\n"
	      "  --story DIR       take the days from here (default: where make install put them, "
	      "or\n"
	      "                    the clone's fixtures)\n"
	      "  --lang LANGUAGE   of what is said here: en (default) or zh-CN\n"
	      "  --now TIME        when the pages say they were made\n"
	      "  -h, --help\n",
	      stdout);
	return EXIT_PASS;
}

static int read_options(struct demo *demo, int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":o:h", long_options, NULL)) != -1) {
		switch (option) {
		case 'h':
			demo->helped = true;
			return help();
		case 'o':
			demo->into = optarg;
			break;
		case OPTION_STORY:
			demo->from = optarg;
			break;
		case OPTION_DEMO_LANG:
			if (!render_language(optarg, &demo->language))
				return EXIT_USAGE;
			break;
		case OPTION_NOW:
			if (!text_parse_time(optarg, &demo->now_ns))
				return command_complain(EXIT_USAGE, "--now: \"%s\" is no time",
				                        optarg);
			break;
		default:
			return intake_bad_option(argv, long_options, option);
		}
	}
	if (optind < argc)
		return command_complain(EXIT_USAGE, "demo takes no files; of your own captures "
		                                    "mptcp-audit report tells the same");
	return 0;
}

/* ---- where the days lie ---- */

static bool holds_stories(const char *place)
{
	char path[DEMO_FILE];

	snprintf(path, sizeof(path), "%s/%s/site.ini", place, stories[0].folder);
	return access(path, R_OK) == 0;
}

/* Beside the program's own folder: as installed, moved or not, and as built in a clone. */
static bool beside_program(char place[DEMO_PATH])
{
	static const char *const folders[] = {"../share/mptcp-audit", "../fixtures"};
	char program[DEMO_PATH], *end;
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (length <= 0)
		return false;
	program[length] = '\0';
	end = strrchr(program, '/');
	if (!end)
		return false;
	*end = '\0';
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (snprintf(place, DEMO_PATH, "%s/%s", program, folders[i]) < DEMO_PATH &&
		    holds_stories(place))
			return true;
	return false;
}

/* In a clone whatever was built lies somewhere else, and is called from somewhere within it. */
static bool above(char place[DEMO_PATH])
{
	char folder[DEMO_PATH], *end;

	if (!getcwd(folder, sizeof(folder)))
		return false;
	do {
		if (snprintf(place, DEMO_PATH, "%s/fixtures", folder) < DEMO_PATH &&
		    holds_stories(place))
			return true;
		end = strrchr(folder, '/');
		if (end)
			*end = '\0';
	} while (end && folder[0]);
	return false;
}

static int find_place(struct demo *demo)
{
	if (!demo->from && (beside_program(demo->place) || above(demo->place)))
		return 0;
	snprintf(demo->place, sizeof(demo->place), "%s",
	         demo->from ? demo->from : MPTCP_AUDIT_DATA);
	if (holds_stories(demo->place))
		return 0;
	if (demo->from)
		return command_complain(
			EXIT_NO_INPUT,
			"%s/%s is not there: --story names the folder that holds it, "
			"fixtures in a clone of mptcp-audit, or where make install put "
			"it",
			demo->place, stories[0].folder);
	return command_complain(EXIT_NO_INPUT,
	                        "%s/%s is not there yet: in the clone of mptcp-audit \"make "
	                        "install\" brings it; before that type \"make demo\" there, or "
	                        "mptcp-audit demo --story CLONE/fixtures",
	                        demo->place, stories[0].folder);
}

/* ---- a day ---- */

struct words {
	char config[DEMO_FILE], inputs[2][DEMO_FILE];
};

/* The words of a command line that audits it; the intake borrows them. */
static int take_story(struct intake *intake, const struct demo *demo, const struct story *story,
                      struct words *words)
{
	char *argv[2];
	int code;

	snprintf(words->config, sizeof(words->config), "%s/%s/site.ini", demo->place,
	         story->folder);
	for (size_t i = 0; i < 2; i++) {
		snprintf(words->inputs[i], sizeof(words->inputs[i]), "%s=%s/%s/%s.pcap.gz", wans[i],
		         demo->place, story->folder, wans[i]);
		argv[i] = words->inputs[i];
	}
	intake->now_ns = demo->now_ns;
	code = intake_option(intake, OPTION_CONFIG, words->config);
	if (code == 0)
		code = intake_words(intake, 2, argv, 0);
	return code == 0 ? window_settle(intake) : code;
}

static int judge(const struct intake *intake, const struct ledger *ledger, json_t **json)
{
	struct report_options how = {
		.generated_ns = intake->now_ns,
		.version = MPTCP_AUDIT_VERSION,
		.zone = &intake->zone,
		.zone_text = intake->policy.expect.zone.text,
	};
	struct report report;
	char message[700];

	if (report_build(&report, ledger, &intake->policy, &how, message, sizeof(message)) !=
	    REPORT_FINE)
		return command_complain(EXIT_INTERNAL, "%s", message);
	*json = render_json(&report);
	report_release(&report);
	return *json ? 0 : command_complain(EXIT_INTERNAL, "out of memory");
}

static int audit(const struct demo *demo, const struct story *story, json_t **json)
{
	struct intake intake;
	struct ledger ledger;
	struct words words;
	int code;

	intake_init(&intake);
	ledger_init(&ledger);
	code = take_story(&intake, demo, story, &words);
	if (code == 0)
		code = intake_read(&intake, &ledger, NULL, NULL);
	if (code == 0)
		code = judge(&intake, &ledger, json);
	ledger_release(&ledger);
	intake_release(&intake);
	return code;
}

static void page_name(char out[DEMO_FILE], const struct demo *demo, const struct story *story,
                      enum language language)
{
	snprintf(out, DEMO_FILE, "%s/%s%s%s.html", demo->into, story->folder,
	         language == LANGUAGE_EN ? "" : ".",
	         language == LANGUAGE_EN ? "" : language_names[language]);
}

static int write_pages(const struct demo *demo, const struct story *story, const json_t *json)
{
	char path[DEMO_FILE];
	int code = 0;

	for (enum language l = 0; l < LANGUAGE_COUNT && code == 0; l++) {
		page_name(path, demo, story, l);
		code = render_to(json, format_find("html"), l, "-o", path);
	}
	return code;
}

static const char *say_alone(char out[60], enum message message)
{
	return message_say(out, 60, message, (const char *const[]){NULL});
}

/* The verdict's word, the sentence, and where its pages lie. */
static void tell(const struct demo *demo, const struct story *story, const json_t *json)
{
	struct zone zone;
	struct page page = {json, stdout, false, {demo->language, &zone}};
	char text[6000], heading[200], path[DEMO_FILE];

	stored_zone(json, &zone);
	page_heading(&page,
	             SAY_IN(heading, label_colon,
	                    say_alone((char[60]){0}, page_looks[page_status(json, "verdict")].word),
	                    say_alone((char[60]){0}, story->what)));
	page_tell(&page, stored_message(text, sizeof(text), json, "sentence"), 2);
	for (enum language l = 0; l < LANGUAGE_COUNT; l++) {
		page_name(path, demo, story, l);
		printf("%s  %s\n", l ? "" : "\n", path);
	}
}

static void put(const struct demo *demo, enum message message)
{
	printf("  %s\n", message_template(message, demo->language));
}

/* As the program was called, so that the lines work where they are read. */
static void tell_next(const struct demo *demo)
{
	const char *program = program_invocation_name, *lang = "";
	char path[DEMO_FILE], day[DEMO_FILE];

	if (demo->language != LANGUAGE_EN)
		lang = " --lang zh-CN";

	snprintf(day, sizeof(day), "%s/%s", demo->place, stories[0].folder);
	page_name(path, demo, &stories[0], demo->language);
	printf("\n%s\n\n", WORDS(demo_next, demo->language));
	put(demo, MESSAGE_demo_open);
	printf("    xdg-open %s\n", path);
	put(demo, MESSAGE_demo_read_these);
	printf("    %s report%s --config %s/site.ini fibre=%s/fibre.pcap.gz \\\n"
	       "        lte=%s/lte.pcap.gz\n",
	       program, lang, day, day, day);
	put(demo, MESSAGE_demo_explain);
	printf("    %s explain%s A12\n", program, lang);
	put(demo, MESSAGE_demo_own_router);
	printf("    %s root@192.168.100.1 --minutes 60 -o day1/\n",
	       strchr(program, '/') && access(GRAB, X_OK) == 0 ? GRAB : "mptcp-grab");
	put(demo, MESSAGE_demo_own_captures);
	printf("    %s report%s --master wan1.pcap --backup wan2.pcap --html report.html\n",
	       program, lang);
}

static int show(const struct demo *demo, const struct story *story)
{
	json_t *json = NULL;
	int code = audit(demo, story, &json);

	if (code == 0)
		code = write_pages(demo, story, json);
	if (code == 0)
		tell(demo, story, json);
	json_decref(json);
	return code;
}

int cmd_demo(int argc, char **argv)
{
	struct demo demo = {.into = "mptcp-audit-demo", .language = LANGUAGE_EN};
	int code = read_options(&demo, argc, argv);

	if (code != 0 || demo.helped)
		return code;
	code = find_place(&demo);
	if (code == 0 && mkdir(demo.into, 0777) != 0 && errno != EEXIST)
		code = command_complain(EXIT_CANNOT_CREATE, "-o %s: %s", demo.into,
		                        strerror(errno));
	for (size_t i = 0; i < N_STORIES && code == 0; i++)
		code = show(&demo, &stories[i]);
	if (code != 0)
		return code;
	tell_next(&demo);
	if (fflush(stdout) != 0 || ferror(stdout))
		return errno == EPIPE ? EXIT_CANNOT_WRITE
		                      : command_complain(EXIT_CANNOT_WRITE, "standard output: %s",
		                                         strerror(errno));
	return EXIT_PASS;
}
