/* SPDX-License-Identifier: MIT
 *
 * cmd_state.c - see cmd_state.h.
 */
#include "cmd_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "output.h"

#define NS 1000000000u

const char state_help[] =
	"  --state FILE        go on where the run that wrote FILE ended: captures of one record "
	"in\n"
	"                      pieces, in their order. dissect: what is still open is in the "
	"state\n"
	"                      and not in the ledger of a piece, so pieces add up; FILE is "
	"written\n"
	"                      anew; with ledgers alone, it is read and what is open is added to\n"
	"                      them. report: FILE says whose the connections are that began\n"
	"                      before; only what is read now is counted; FILE is written anew\n"
	"                      when a report wrote it or it is new. With a window, frames that\n"
	"                      FILE knows are passed over, so a spool may be given whole each\n"
	"                      time; a window that begins before the end of FILE is refused\n";

int state_check(const struct intake *intake, size_t n_captures)
{
	if (!intake->state)
		return 0;
	if (intake->adds_up && (intake->from_ns || intake->to_ns))
		return command_complain(
			EXIT_USAGE, "dissect --state goes on with all that was counted, so that "
				    "ledgers add up; it does not go with a window (--from, "
				    "--to, --window, --billing-day). report takes both");
	if (n_captures == 0 && access(intake->state, F_OK) != 0)
		return command_complain(EXIT_NO_INPUT, "--state %s: %s", intake->state,
		                        strerror(errno));
	return 0;
}

/* What decides which frames come, of which WAN, and when: another one makes another dissection. */
char *state_origin(const struct intake *intake)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; intake->state_next && i < intake->n_inputs; i++)
		fprintf(out, "input %s; ", intake->inputs[i].path);
	if (intake->filter)
		fprintf(out, "filter %s; ", intake->filter);
	for (size_t i = 0; i < intake->n_shifts; i++)
		fprintf(out, "shift %s %lld; ", intake->shifts[i].wan,
		        (long long)intake->shifts[i].ns);
	for (size_t i = 0; i < intake->n_splits; i++)
		fprintf(out, "wan %s %s; ", intake->splits[i].wan, intake->splits[i].network);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	return text;
}

static const char *fate(const struct intake *intake)
{
	return intake->state_next ? "" : "; it is left as it is";
}

static struct pipeline *resume(const struct intake *intake, FILE *file, struct ledger *ledger,
                               const struct pipeline_options *options, int *code)
{
	char message[300] = "";
	struct pipeline *pipeline =
		pipeline_resume(ledger, options, file, message, sizeof(message));

	if (!pipeline)
		*code = command_complain(EXIT_BAD_DATA, "--state %s %s%s", intake->state, message,
		                         fate(intake));
	return pipeline;
}

/* Up to when the state knows every frame; one behind the last where it ends with whole captures. */
static uint64_t known_until(const struct pipeline_origin *origin)
{
	return origin->cut_ns ? origin->cut_ns : origin->last_ns + 1;
}

/* 0 or an exit code, already explained. */
static int check_origin(const struct intake *intake, bool sums, const struct pipeline *pipeline)
{
	struct pipeline_origin origin = pipeline_origin(pipeline);
	uint64_t until = known_until(&origin), asked = intake->from_ns;
	char ends[80], begins[80];

	if (sums && origin.checkpoint)
		return command_complain(EXIT_BAD_DATA,
		                        "--state %s was left by a report: it knows connections and "
		                        "holds no sums to add up; it is left as it is",
		                        intake->state);
	if (!asked && intake->to_ns)
		asked = intake->to_ns - 1;
	if (sums || !origin.resumed || !asked || asked >= until)
		return 0;
	return command_complain(
		EXIT_USAGE,
		"--state %s: it reaches to %s and the window lies before (%s): what it counted "
		"there "
		"cannot be told apart. Take a later window, an earlier state, or none",
		intake->state, zone_text(&intake->zone, (int64_t)(until / NS), ends, sizeof(ends)),
		zone_text(&intake->zone, (int64_t)(asked / NS), begins, sizeof(begins)));
}

struct pipeline *state_begin(const struct intake *intake, bool sums, struct ledger *ledger,
                             const struct pipeline_options *options, int *code)
{
	struct pipeline_options with = *options;
	struct pipeline *pipeline = NULL;
	char *origin = state_origin(intake);
	FILE *file = intake->state ? fopen(intake->state, "re") : NULL;

	*code = 0;
	with.origin = origin;
	if (!file && intake->state && errno != ENOENT) {
		*code = command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT,
		                         "--state %s: %s", intake->state, strerror(errno));
	} else {
		if (file)
			pipeline = resume(intake, file, ledger, &with, code);
		else if (origin)
			pipeline = pipeline_new(ledger, &with);
		if (!pipeline && *code == 0)
			*code = command_complain(EXIT_INTERNAL, "out of memory");
	}
	if (file)
		fclose(file);
	free(origin);
	if (pipeline)
		*code = check_origin(intake, sums, pipeline);
	if (*code == 0)
		return pipeline;
	pipeline_free(pipeline);
	return NULL;
}

bool state_is_kept(const struct intake *intake, const struct pipeline *pipeline)
{
	struct pipeline_origin origin = pipeline_origin(pipeline);

	return intake->state && !intake->adds_up && (!origin.resumed || origin.checkpoint);
}

static int open_new(struct intake *intake)
{
	const char *place = intake->state_next ? intake->state_next : intake->state;
	int error;

	intake->new_state = calloc(1, sizeof(*intake->new_state));
	if (!intake->new_state)
		return command_complain(EXIT_INTERNAL, "out of memory");
	error = output_open(intake->new_state, place);
	if (error == 0)
		return 0;
	free(intake->new_state);
	intake->new_state = NULL;
	return command_complain(EXIT_CANNOT_CREATE, "--state %s: %s", place, strerror(-error));
}

/* It is written, or why not. */
static int told_written(struct intake *intake, int error)
{
	if (error == 0)
		return 0;
	state_abandon(intake);
	return command_complain(EXIT_CANNOT_WRITE, "--state %s: %s", intake->state,
	                        strerror(-error));
}

int state_keep(struct intake *intake, struct pipeline *pipeline, uint64_t cut_ns)
{
	int code = open_new(intake);

	return code ? code
	            : told_written(intake,
	                           pipeline_checkpoint(pipeline, cut_ns, intake->new_state->file));
}

int state_end(struct intake *intake, struct pipeline *pipeline, const struct frame_wan *wans,
              size_t n_wans, const struct frame_file *files, size_t n_files)
{
	int code = open_new(intake);

	return code ? code
	            : told_written(intake, pipeline_suspend(pipeline, wans, n_wans, files, n_files,
	                                                    intake->new_state->file));
}

static int close_state(struct intake *intake, bool keep)
{
	int error = 0;

	if (intake->new_state)
		error = output_close(intake->new_state, keep);
	free(intake->new_state);
	intake->new_state = NULL;
	return error;
}

int state_commit(struct intake *intake)
{
	int error = close_state(intake, true);

	if (error == 0)
		return 0;
	return command_complain(EXIT_CANNOT_WRITE, "--state %s: %s", intake->state,
	                        strerror(-error));
}

void state_abandon(struct intake *intake)
{
	close_state(intake, false);
}
