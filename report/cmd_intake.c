/* SPDX-License-Identifier: MIT
 *
 * cmd_intake.c - see cmd_intake.h.
 */
#include "cmd_intake.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../capture/names.h"
#include "../dissect/pipeline.h"
#include "cmd_captures.h"
#include "cmd_expect.h"
#include "cmd_packed.h"
#include "cmd_outlets.h"
#include "cmd_sites.h"
#include "cmd_state.h"
#include "cmd_store.h"
#include "command.h"
#include "output.h"
#include "text.h"

#define NS 1000000000u

const char intake_help[] =
	"Inputs: captures (pcap, pcapng, also .gz and .zst), directories of them, - for\n"
	"standard input. NAME=FILE says which WAN a file is. A spool of mptcp-captured\n"
	"names its WANs and their roles itself.\n"
	"  --master, --on, --backup, --off [NAME=]FILE   an input and its role\n"
	"  --role WAN|FILE|FILE#INTERFACE|ADDRESS/LEN=ROLE\n"
	"                      a capture of several interfaces is a WAN for each, by name or "
	"number:\n"
	"                      any.pcap of tcpdump -i any is any#2, any#3; wan1=any.pcap wan1#2, "
	"wan1#3;\n"
	"                      a role of any, of wan1 or of the file is a role of all of them\n"
	"  --config FILE       INI file: [site] [wan NAME] [vps NAME] [lan] [plan] [roles] "
	"[limits],\n"
	"                      as mptcp-audit(1) says\n"
	"  --limit [WAN:]KEY=VALUE   a limit of a rule, of all WANs or of one\n"
	"  --uci DIR|FILE      what the router was told: UCI files network, openmptcprouter,\n"
	"                      omr-quota and system, or a directory of them (/etc/config)\n"
	"  --profile economy|reliability   reliability: copies on the masters are wanted\n"
	"  -f, --filter EXPR   look only at frames libpcap's filter EXPR lets through\n"
	"  --wan NAME=ADDRESS[/LEN]   in the capture of a server: what comes from or goes to\n"
	"                      these addresses is WAN NAME, up and down as its router sees it;\n"
	"                      may be repeated; the rest stays with its interface\n"
	"  --wan NAME=id:N     where addresses change: subflows that join with address ID N;\n"
	"                      id:0 are those that open connections; the rest is WAN unknown\n"
	"  --shift NAME=SEC    add SEC (may be negative) to each time of WAN NAME\n"
	"  --now TIME          the time the report says it was made (RFC 3339)\n";

void intake_print_limits(void)
{
	fputs("\nLimits (--limit KEY=VALUE, or [limits] in the config):\n", stdout);
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_row *row = &limit_rows[i];

		if (row->unit == UNIT_WORD)
			printf("  %s=%.*s (%s)\n", row->key, (int)strcspn(row->words, "|"),
			       row->words, row->words);
		else
			printf("  %s=%.10g (%s, %g to %g)\n", row->key, row->fallback,
			       unit_names[row->unit], row->min, row->max);
		printf("      %s\n", row->meaning[LANGUAGE_EN]);
	}
}

int command_complain(enum exit_code code, const char *format, ...)
{
	char text[1200], safe[2400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "mptcp-audit: %s\n", text_safe(safe, sizeof(safe), text, 1000));
	return (int)code;
}

void intake_init(struct intake *intake)
{
	memset(intake, 0, sizeof(*intake));
	policy_init(&intake->policy);
}

void intake_release(struct intake *intake)
{
	state_abandon(intake);
	for (size_t i = 0; i < intake->n_inputs; i++)
		free(intake->inputs[i].wan);
	for (size_t i = 0; i < intake->n_shifts; i++)
		free(intake->shifts[i].wan);
	free(intake->inputs);
	for (size_t i = 0; i < intake->n_splits; i++) {
		free(intake->splits[i].wan);
		free(intake->splits[i].network);
	}
	free(intake->shifts);
	free(intake->splits);
	free(intake->billed_wan);
	site_list_free(intake->sites);
	policy_release(&intake->policy);
	uci_free(intake->uci);
	memset(intake, 0, sizeof(*intake));
}

/* ---- inputs ---- */

static bool exists(const char *path)
{
	return strcmp(path, "-") == 0 || access(path, F_OK) == 0;
}

/* A saved ledger begins as any JSON object does, packed or not; no capture format does. */
static bool is_ledger(const char *path)
{
	struct stat st;
	int fd;

	if (strcmp(path, "-") == 0 || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && packed_first(fd) == '{';
}

/* FILE or NAME=FILE; a file whose own name holds a '=' is a file. *path is borrowed from `word`. */
static bool add_input(struct intake *intake, const char *word, bool aside)
{
	const char *equals = strchr(word, '=');
	struct intake_input *grown =
		realloc(intake->inputs, (intake->n_inputs + 1) * sizeof(*grown));
	struct intake_input *input;

	if (!grown)
		return false;
	intake->inputs = grown;
	input = &grown[intake->n_inputs];
	*input = (struct intake_input){.path = word, .aside = aside};
	if (equals && equals > word && !exists(word)) {
		input->path = equals + 1;
		input->wan = strndup(word, (size_t)(equals - word));
		if (!input->wan)
			return false;
	}
	input->store = store_is(input->path);
	input->ledger = input->store || is_ledger(input->path);
	intake->n_inputs++;
	return true;
}

/* Names in a ledger are UTF-8 whatever the bytes on the command line are: capture cleans those of
 * WANs (names.h), the ledger those of files. Who is meant is written the same way. Owned by the
 * caller; NULL = out of memory. */
static char *subject_text(const char *who, size_t length, enum role_subject subject)
{
	char *text = strndup(who, length), *clean;

	if (!text || subject == SUBJECT_WAN) {
		if (text)
			names_clean(text);
		return text;
	}
	clean = text_utf8(text);
	free(text);
	return clean;
}

static int add_role(struct intake *intake, const char *who, size_t length,
                    enum role_subject subject, const char *role, const char *option)
{
	char message[400], *clean = subject_text(who, length, subject);
	bool taken;

	if (!clean)
		return command_complain(EXIT_INTERNAL, "out of memory");
	taken = policy_add_role(&intake->policy, clean, subject, role, FROM_FLAG, message,
	                        sizeof(message));
	free(clean);
	return taken ? 0 : command_complain(EXIT_USAGE, "%s%s", option, message);
}

static int take_role_input(struct intake *intake, const char *role, const char *word)
{
	struct intake_input *input;
	const char *who;

	if (!add_input(intake, word, strcmp(role, "off") == 0))
		return command_complain(EXIT_INTERNAL, "out of memory");
	input = &intake->inputs[intake->n_inputs - 1];
	if (input->ledger && !input->wan) {
		input->role = role; /* of its WANs, which are known when it is read */
		return 0;
	}
	who = input->wan ? input->wan : input->path;
	return add_role(intake, who, strlen(who), input->wan ? SUBJECT_WAN : SUBJECT_FILE, role,
	                "");
}

void intake_expect(struct intake *intake)
{
	if (intake->uci)
		uci_expect(intake->uci, &intake->policy.expect);
	uci_free(intake->uci);
	intake->uci = NULL;
}

int intake_words(struct intake *intake, int argc, char **argv, int first)
{
	intake_expect(intake);
	for (int i = first; i < argc; i++)
		if (!add_input(intake, argv[i], false))
			return command_complain(EXIT_INTERNAL, "out of memory");
	if (intake->n_inputs == 0 && !intake->state)
		return command_complain(EXIT_USAGE,
		                        "no input; name one or more captures (--help says how)");
	return 0;
}

/* ---- options ---- */

static int take_role(struct intake *intake, const char *argument)
{
	const char *equals = strrchr(argument, '=');

	if (!equals || equals == argument)
		return command_complain(
			EXIT_USAGE,
			"--role takes WHO=ROLE, for example --role wan2=backup or --role "
			"192.0.2.0/24=backup");
	return add_role(intake, argument, (size_t)(equals - argument), SUBJECT_ANY, equals + 1,
	                "--role: ");
}

/* What people write is small; a capture or a device that was named by mistake has no end. */
#define TEXT_MOST (4 << 20)

FILE *intake_open_text(const char *option, const char *path, int *code)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	const char *why = NULL;

	*code = 0;
	if (!file)
		*code = command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "%s %s: %s",
		                         option, path, strerror(errno));
	else if (fstat(fileno(file), &st) != 0)
		why = strerror(errno);
	else if (S_ISDIR(st.st_mode))
		why = "is a directory, not a file";
	else if (S_ISBLK(st.st_mode) ||
	         (S_ISCHR(st.st_mode) && strcmp(path, "/dev/null") != 0 && !isatty(fileno(file))))
		why = "is a device, not a file";
	else if (S_ISREG(st.st_mode) && st.st_size > TEXT_MOST)
		why = "larger than 4 MiB: no such file is";
	if (!why)
		return file;
	fclose(file);
	*code = command_complain(EXIT_CONFIG, "%s %s: %s", option, path, why);
	return NULL;
}

static int take_config(struct intake *intake, const char *path)
{
	char message[600];
	int code;
	FILE *file = intake_open_text("--config", path, &code);
	bool loaded;

	if (!file)
		return code;
	loaded = policy_load(&intake->policy, file, path, message, sizeof(message));
	fclose(file);
	return loaded ? 0 : command_complain(EXIT_CONFIG, "%s", message);
}

static int take_limit(struct intake *intake, const char *argument)
{
	char message[400];

	if (policy_set_limit(&intake->policy, argument, FROM_FLAG, message, sizeof(message)))
		return 0;
	return command_complain(EXIT_USAGE, "--limit: %s", message);
}

static int take_shift(struct intake *intake, const char *argument)
{
	const char *equals = strrchr(argument, '=');
	struct intake_shift *grown;
	char *end = NULL;
	double seconds = 0;

	if (equals && equals > argument)
		seconds = strtod(equals + 1, &end);
	if (!end || end == equals + 1 || *end || !isfinite(seconds) || fabs(seconds) > 1e9)
		return command_complain(
			EXIT_USAGE, "--shift takes NAME=SECONDS, for example --shift wan2=-1.5");
	grown = realloc(intake->shifts, (intake->n_shifts + 1) * sizeof(*grown));
	if (!grown)
		return command_complain(EXIT_INTERNAL, "out of memory");
	intake->shifts = grown;
	grown[intake->n_shifts].wan = strndup(argument, (size_t)(equals - argument));
	grown[intake->n_shifts].ns = (int64_t)llround(seconds * NS);
	if (!grown[intake->n_shifts].wan)
		return command_complain(EXIT_INTERNAL, "out of memory");
	intake->n_shifts++;
	return 0;
}

/* On a server's capture: whose a frame is. */
static int take_split(struct intake *intake, const char *argument)
{
	const char *equals = strchr(argument, '=');
	struct sites_sign sign;
	struct intake_split *grown;

	if (!equals || equals == argument)
		return command_complain(EXIT_USAGE, "--wan takes NAME=ADDRESS/LEN or NAME=id:N, "
		                                    "for example --wan wan1=192.0.2.17");
	if (!sites_read_sign(equals + 1, &sign))
		return command_complain(EXIT_USAGE,
		                        "--wan: \"%.60s\" is no network: write an address, an "
		                        "address and the length of its prefix, such as "
		                        "192.0.2.0/24, or id:N (0 to 255)",
		                        equals + 1);
	grown = realloc(intake->splits, (intake->n_splits + 1) * sizeof(*grown));
	if (!grown)
		return command_complain(EXIT_INTERNAL, "out of memory");
	intake->splits = grown;
	grown += intake->n_splits++;
	*grown = (struct intake_split){strndup(argument, (size_t)(equals - argument)),
	                               strdup(equals + 1), sign};
	if (!grown->wan || !grown->network)
		return command_complain(EXIT_INTERNAL, "out of memory");
	names_clean(grown->wan);
	if (strcmp(grown->wan, OUTLETS_UNTOLD) == 0)
		return command_complain(EXIT_USAGE, "--wan: " OUTLETS_UNTOLD
		                                    " is the name of what nothing tells");
	if (!policy_add_only(&intake->policy, grown->wan))
		return command_complain(EXIT_INTERNAL, "out of memory");
	return 0;
}

/* Options that make sense alone only. */
static int check_sites(const struct intake *intake)
{
	bool by_id = false;

	for (size_t i = 0; i < intake->n_splits; i++)
		by_id |= intake->splits[i].sign.is_id;
	if (intake->sites && intake->n_splits)
		return command_complain(EXIT_USAGE, "--sites and --wan both say whose a frame is");
	if (intake->state && (intake->sites || by_id))
		return command_complain(EXIT_USAGE,
		                        "--state does not know what told sites and WANs apart so "
		                        "far; it does not go with --sites and --wan NAME=id:N");
	for (size_t i = 0; intake->sites && i < intake->n_inputs; i++)
		if (intake->inputs[i].ledger)
			return command_complain(EXIT_USAGE,
			                        "%s: --sites takes captures; a ledger is of one "
			                        "site and is reported alone",
			                        intake->inputs[i].path);
	return 0;
}

int intake_option(struct intake *intake, int option, const char *argument)
{
	switch (option) {
	case OPTION_MASTER:
		return take_role_input(intake, "master", argument);
	case OPTION_ON:
		return take_role_input(intake, "on", argument);
	case OPTION_BACKUP:
		return take_role_input(intake, "backup", argument);
	case OPTION_OFF:
		return take_role_input(intake, "off", argument);
	case OPTION_ROLE:
		return take_role(intake, argument);
	case OPTION_CONFIG:
		return take_config(intake, argument);
	case OPTION_LIMIT:
		return take_limit(intake, argument);
	case OPTION_UCI:
		return expect_take_uci(&intake->uci, &intake->policy.expect, argument);
	case OPTION_PROFILE:
		return expect_take_profile(&intake->policy.expect, argument);
	case OPTION_SHIFT:
		return take_shift(intake, argument);
	case OPTION_WAN:
		return take_split(intake, argument);
	case OPTION_SITES:
		return site_list_read(&intake->sites, argument);
	case OPTION_STATE:
		intake->state = argument;
		return 0;
	case OPTION_NOW:
		if (text_parse_time(argument, &intake->now_ns))
			return 0;
		return command_complain(
			EXIT_USAGE, "--now takes a time such as 2026-01-31T12:00:00Z, not \"%s\"",
			argument);
	case OPTION_SHA256:
		intake->digests = true;
		return 0;
	case 'f':
		intake->filter = argument;
		return 0;
	default:
		return -1;
	}
}

int intake_bad_option(char **argv, const struct option *options, int result)
{
	const char *word = argv[optind - 1], *names[64], *near;
	char name[80];
	size_t n = 0;

	if (result == ':')
		return command_complain(EXIT_USAGE, "option %s needs a value", word);
	if (strncmp(word, "--", 2) != 0)
		return command_complain(EXIT_USAGE, "unknown option -%c; --help lists all",
		                        optopt ? optopt : '?');
	for (; options[n].name && n < 64; n++)
		names[n] = options[n].name;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	near = text_nearest(name, names, n);
	return command_complain(EXIT_USAGE, "unknown or ambiguous option --%s%s%s%s", name,
	                        near ? ", did you mean --" : "; --help lists all", near ? near : "",
	                        near ? "?" : "");
}

/* ---- reading ---- */

static int load_packed(const char *path, struct ledger *ledger, char *message, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	char *bytes = NULL;
	size_t n;

	if (fd < 0)
		return -errno;
	error = packed_read(fd, &bytes, &n);
	if (error != 0)
		return error;
	if (n == 0 || !ledger_load_bytes(ledger, bytes, n, message, size))
		error = -EBADMSG;
	free(bytes);
	return error;
}

int intake_load(const char *path, struct ledger *ledger)
{
	char message[300] = "is no ledger, or a damaged one";
	int error;

	if (strcmp(path, "-") == 0)
		return ledger_load(ledger, stdin, message, sizeof(message))
		               ? 0
		               : command_complain(EXIT_BAD_DATA, "%s: %s", path, message);
	error = load_packed(path, ledger, message, sizeof(message));
	if (error == -EBADMSG)
		return command_complain(EXIT_BAD_DATA, "%s: %s", path, message);
	if (error != 0)
		return command_complain(error == -EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "%s: %s",
		                        path, strerror(-error));
	return 0;
}

int intake_save(const struct ledger *ledger, const char *path)
{
	struct output output;
	int error = output_open(&output, path), closed;

	if (error != 0)
		return command_complain(EXIT_CANNOT_CREATE, "%s: %s", path, strerror(-error));
	error = ledger_save(ledger, output.file);
	closed = output_close(&output, error == 0);
	if (error == 0)
		error = closed;
	if (error == 0)
		return 0;
	if (error == -EPIPE)
		return EXIT_CANNOT_WRITE; /* the reader has left: quiet */
	return command_complain(EXIT_CANNOT_WRITE, "%s: %s", path ? path : "standard output",
	                        strerror(-error));
}

/* Ledgers alone, and the state of the last piece: what is open there belongs to them. */
static int add_open(const struct intake *intake, struct ledger *ledger)
{
	struct pipeline_options options = {0};
	int code;
	struct pipeline *pipeline = state_begin(intake, true, ledger, &options, &code);

	if (!pipeline)
		return code;
	pipeline_finish(pipeline, NULL, 0, NULL, 0);
	pipeline_free(pipeline);
	return 0;
}

static bool has_role(const struct policy *policy, const char *wan)
{
	for (size_t i = 0; i < policy->n_roles; i++)
		if (policy->roles[i].source == FROM_FLAG && strcmp(policy->roles[i].who, wan) == 0)
			return true;
	return false;
}

/* A role given with a ledger is one of all its WANs, but for those named themselves. */
static int give_roles(struct intake *intake, const char *role, const struct ledger *ledger)
{
	int code = 0;

	for (size_t i = 0; role && code == 0 && i < ledger->n_wans; i++)
		if (!has_role(&intake->policy, ledger->wans[i].name))
			code = add_role(intake, ledger->wans[i].name, strlen(ledger->wans[i].name),
			                SUBJECT_WAN, role, "");
	return code;
}

static int merge_ledgers(struct intake *intake, struct ledger *ledger)
{
	for (size_t i = 0; i < intake->n_inputs; i++) {
		struct ledger one;
		int code;

		if (!intake->inputs[i].ledger)
			continue;
		ledger_init(&one);
		code = intake->inputs[i].store ? store_read(intake->inputs[i].path, &intake->zone,
		                                            intake->from_ns, intake->to_ns, &one)
		                               : intake_load(intake->inputs[i].path, &one);
		if (code == 0)
			code = give_roles(intake, intake->inputs[i].role, &one);
		if (code == 0 && !ledger_take(ledger, &one))
			code = command_complain(
				EXIT_BAD_DATA,
				"%s: cannot be added: more than %d WANs, or out of memory",
				intake->inputs[i].path, LEDGER_WANS_MAX);
		ledger_release(&one);
		if (code != 0)
			return code;
	}
	return 0;
}

static bool is_subject(const struct policy_role *role, const char *name)
{
	char *text = name ? subject_text(name, strlen(name), role->subject) : NULL;
	bool same = text && strcmp(role->who, text) == 0;

	free(text);
	return same;
}

/* An expected WAN of that name or device has the role off. */
static bool is_expected_off(const struct intake *intake, const char *name)
{
	const struct expect_wan *expected =
		name ? policy_expected_name(&intake->policy, name) : NULL;

	return expected && expected->role == ROLE_OFF;
}

/* A WAN the operator set to off bounds no shared time, whichever way it was said. */
static void set_aside(struct intake *intake)
{
	for (size_t i = 0; i < intake->n_inputs; i++) {
		struct intake_input *input = &intake->inputs[i];

		input->aside = input->aside || is_expected_off(intake, input->wan);
		for (size_t k = 0; k < intake->policy.n_roles; k++) {
			const struct policy_role *role = &intake->policy.roles[k];

			if (is_subject(role, input->path) || is_subject(role, input->wan))
				input->aside = role->role == ROLE_OFF;
		}
	}
}

/* One ledger alone comes out of its file in order. */
static bool in_order(const struct intake *intake)
{
	return intake->n_inputs == 1 && intake->inputs[0].ledger && !intake->inputs[0].store &&
	       !intake->state;
}

/* In order, and adding up. */
static int finish_ledger(struct ledger *ledger, bool ordered)
{
	char problem[300];
	const char *broken;

	if (!ordered && !ledger_sort(ledger))
		return command_complain(EXIT_INTERNAL, "out of memory");
	broken = ledger_check(ledger, problem, sizeof(problem));
	if (broken)
		return command_complain(EXIT_INTERNAL,
		                        "the sums do not add up: %s; please report this", broken);
	return 0;
}

int intake_read(struct intake *intake, struct ledger *ledger,
                void (*settled)(void *context, const struct sighting *sighting), void *context)
{
	size_t n_captures = 0;
	int code = 0;

	set_aside(intake);
	for (size_t i = 0; i < intake->n_inputs; i++)
		n_captures += !intake->inputs[i].ledger;
	code = check_sites(intake);
	if (code == 0)
		code = state_check(intake, n_captures);
	if (code == 0 && n_captures > 0)
		code = captures_read(intake, ledger, settled, context);
	else if (code == 0 && intake->state)
		code = add_open(intake, ledger);
	if (code == 0)
		code = merge_ledgers(intake, ledger);
	if (code != 0 || settled)
		return code;
	for (size_t i = 0; intake->sites && i < intake->sites->n_ledgers && code == 0; i++)
		code = finish_ledger(intake->sites->ledgers[i], false);
	return code ? code : finish_ledger(ledger, in_order(intake));
}
