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

const char state_help[] =
	"  --state FILE        go on where the dissection that wrote FILE ended: captures of one\n"
	"                      record in pieces, in their order; FILE is then written anew. What\n"
	"                      is still open is in the state and not in the ledger of a piece,\n"
	"                      so pieces add up: with ledgers alone, FILE is read and its open\n"
	"                      connections are added to them\n";

int state_check(const struct intake *intake, size_t n_captures)
{
	if (!intake->state)
		return 0;
	if (intake->from_ns || intake->to_ns)
		return command_complain(EXIT_USAGE,
		                        "--state goes on with all that was counted; it does not go "
		                        "with a window (--from, --to, --window, --billing-day)");
	if (n_captures == 0 && access(intake->state, F_OK) != 0)
		return command_complain(EXIT_NO_INPUT, "--state %s: %s", intake->state,
		                        strerror(errno));
	return 0;
}

/* What decides which frames come, of which WAN, and when: another one makes another dissection. */
static char *origin_of(const struct intake *intake)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
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

static struct pipeline *resume(const struct intake *intake, FILE *file, struct ledger *ledger,
                               const struct pipeline_options *options, int *code)
{
	char message[300] = "";
	struct pipeline *pipeline =
		pipeline_resume(ledger, options, file, message, sizeof(message));

	if (!pipeline)
		*code = command_complain(EXIT_BAD_DATA, "--state %s %s; it is left as it is",
		                         intake->state, message);
	return pipeline;
}

struct pipeline *state_begin(const struct intake *intake, struct ledger *ledger,
                             const struct pipeline_options *options, int *code)
{
	struct pipeline_options with = *options;
	struct pipeline *pipeline = NULL;
	char *origin = origin_of(intake);
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
	return pipeline;
}

int state_end(struct intake *intake, struct pipeline *pipeline, const struct frame_wan *wans,
              size_t n_wans, const struct frame_file *files, size_t n_files)
{
	int error;

	intake->new_state = calloc(1, sizeof(*intake->new_state));
	if (!intake->new_state)
		return command_complain(EXIT_INTERNAL, "out of memory");
	error = output_open(intake->new_state, intake->state);
	if (error != 0) {
		free(intake->new_state);
		intake->new_state = NULL;
		return command_complain(EXIT_CANNOT_CREATE, "--state %s: %s", intake->state,
		                        strerror(-error));
	}
	error = pipeline_suspend(pipeline, wans, n_wans, files, n_files, intake->new_state->file);
	if (error == 0)
		return 0;
	state_abandon(intake);
	return command_complain(EXIT_CANNOT_WRITE, "--state %s: %s", intake->state,
	                        strerror(-error));
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
