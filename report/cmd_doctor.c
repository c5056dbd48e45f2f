/* SPDX-License-Identifier: MIT
 *
 * cmd_doctor.c - mptcp-audit doctor: what would spoil an audit of these captures, or on this host.
 */
#include "cmd_doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_intake.h"
#include "cmd_render.h"
#include "command.h"
#include "text.h"

static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	{"interface", required_argument, NULL, 'i'},
	{"lang", required_argument, NULL, OPTION_LANG},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit doctor [OPTION]... [NAME=]FILE...\n"
	      "       mptcp-audit doctor [-i DEVICE]...\n"
	      "What would spoil an audit of these captures, or one made on this host: a line "
	      "each,\n"
	      "ok, warn or problem, and what to do.\n\n"
	      "  -i, --interface DEVICE  a device that is to be captured here (again for more);\n"
	      "                          without files and devices: all devices that are up\n"
	      "  --lang LANGUAGE         en (default) or zh-CN\n",
	      stdout);
	fputs(intake_help, stdout);
	fputs("\nExit: 0 all is well, 1 a warning, 2 a problem, 64 and above: errors\n", stdout);
	return EXIT_PASS;
}

void doctor_say(struct doctor *doctor, enum ailment how_bad, enum message what, enum message cure,
                const char *const *parts)
{
	static const enum message levels[] = {MESSAGE_doctor_ok, MESSAGE_doctor_warn,
	                                      MESSAGE_doctor_problem};
	const struct telling how = {doctor->language, NULL};
	char message[1400], words[1400];
	const char *level = message_template(levels[how_bad], doctor->language);

	message_say(message, sizeof(message), what, parts);
	printf("%s%*s %s", level, 8 - (int)text_width(level), "",
	       message_words(words, sizeof(words), message, &how));
	if (cure != MESSAGE_COUNT) {
		message_say(message, sizeof(message), cure, parts);
		printf("%s%s", WORDS(doctor_arrow, doctor->language),
		       message_words(words, sizeof(words), message, &how));
	}
	fputc('\n', stdout);
	if (how_bad > doctor->worst)
		doctor->worst = how_bad;
}

struct wish {
	struct intake intake;
	const char **devices; /* owned; the names are borrowed from argv */
	size_t n_devices;
	bool helped;
};

static int read_options(struct wish *wish, int argc, char **argv)
{
	int option, code;

	opterr = 0;
	optind = 0;
	while ((option = getopt_long(argc, argv, ":f:i:h", options, NULL)) != -1) {
		if (option == 'h') {
			wish->helped = true;
			return help();
		}
		if (option == '?' || option == ':')
			return intake_bad_option(argv, options, option);
		if (option == 'i') {
			wish->devices[wish->n_devices++] = optarg;
		} else if (option == OPTION_LANG) {
			if (!render_language(optarg, &wish->intake.language))
				return EXIT_USAGE;
		} else {
			code = intake_option(&wish->intake, option, optarg);
			if (code != 0)
				return code;
		}
	}
	if (optind == argc && wish->intake.n_inputs == 0)
		return 0;
	if (wish->n_devices)
		return command_complain(EXIT_USAGE, "doctor looks at files or at devices (-i), "
		                                    "not at both at once");
	return intake_words(&wish->intake, argc, argv, optind);
}

static int examine(struct wish *wish)
{
	struct doctor doctor = {.language = wish->intake.language};
	struct ledger ledger;
	int code = 0;

	ledger_init(&ledger);
	if (wish->intake.n_inputs)
		code = intake_read(&wish->intake, &ledger, NULL, NULL);
	if (code == 0 && wish->intake.n_inputs)
		doctor_captures(&doctor, &ledger);
	else if (code == 0)
		doctor_host(&doctor, wish->devices, wish->n_devices);
	ledger_release(&ledger);
	if (code != 0)
		return code;
	if (fflush(stdout) != 0 || ferror(stdout))
		return errno == EPIPE ? EXIT_CANNOT_WRITE
		                      : command_complain(EXIT_CANNOT_WRITE, "standard output: %s",
		                                         strerror(errno));
	return doctor.worst == AILMENT_PROBLEM ? EXIT_FAIL
	       : doctor.worst == AILMENT_WARN  ? EXIT_WARN
	                                       : EXIT_PASS;
}

int cmd_doctor(int argc, char **argv)
{
	struct wish wish = {.devices = calloc((size_t)argc, sizeof(*wish.devices))};
	int code;

	if (!wish.devices)
		return command_complain(EXIT_INTERNAL, "out of memory");
	intake_init(&wish.intake);
	code = read_options(&wish, argc, argv);
	if (code == 0 && !wish.helped)
		code = examine(&wish);
	intake_release(&wish.intake);
	free(wish.devices);
	return code;
}
