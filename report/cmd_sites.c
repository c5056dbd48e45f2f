/* SPDX-License-Identifier: MIT
 *
 * cmd_sites.c - see cmd_sites.h.
 */
#include "cmd_sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../capture/names.h"
#include "cmd_outlets.h"
#include "command.h"

const char sites_help[] =
	"  --sites FILE        in the capture of a server of many routers: a row per WAN,\n"
	"                      SITE WAN ADDRESS[/LEN]|id:N[,...] [ROLE] [KEY=VALUE]...,\n"
	"                      each site is judged alone; KEYs are those of [wan NAME]\n";

struct reading {
	struct site_list *list;
	unsigned line;
};

static int refuse(const struct reading *r, const char *what, const char *word)
{
	return command_complain(EXIT_CONFIG, "--sites %s:%u: %s%s%.80s%s", r->list->path, r->line,
	                        what, *word ? " \"" : "", word, *word ? "\"" : "");
}

static int no_memory(void)
{
	return command_complain(EXIT_INTERNAL, "out of memory");
}

/* ---- a line ---- */

static int add_sign(struct reading *r, const struct site_line *line, const char *word)
{
	struct site_list *list = r->list;
	struct site_sign *grown, sign = {.site = line->site, .wan = line->wan};

	if (!sites_read_sign(word, &sign.sign))
		return refuse(r, "no address, ADDRESS/LEN or id:N:", word);
	if ((list->n_rows & (list->n_rows - 1)) == 0) {
		size_t cap = list->n_rows ? list->n_rows * 2 : 1;

		grown = realloc(list->rows, cap * sizeof(*grown));
		if (!grown)
			return no_memory();
		list->rows = grown;
	}
	list->rows[list->n_rows++] = sign;
	return 0;
}

static int add_signs(struct reading *r, const struct site_line *line, char *words)
{
	char *rest = NULL;
	int code = 0;

	for (char *word = strtok_r(words, ",", &rest); word && code == 0;
	     word = strtok_r(NULL, ",", &rest))
		code = add_sign(r, line, word);
	return code;
}

/* What the rest of a line says, as a section of an INI file. NULL: out of memory. */
static char *write_ini(const char *wan, char *rest)
{
	char *text = NULL, *more = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "[wan %s]\n", wan);
	for (char *word = strtok_r(rest, " \t", &more); word; word = strtok_r(NULL, " \t", &more))
		fprintf(out, "%s%s\n", strchr(word, '=') ? "" : "role=", word);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static bool load_ini(struct policy *policy, const char *ini, const char *name, char *message,
                     size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)ini, strlen(ini), "r");
	bool loaded;

	if (!file) {
		snprintf(message, size, "out of memory");
		return false;
	}
	loaded = policy_load(policy, file, name, message, size);
	fclose(file);
	return loaded;
}

/* Wrong words are told with their line, before any frame is read. */
static int check_ini(const struct reading *r, const char *ini)
{
	struct policy policy;
	char message[600] = "";
	const char *said = message;
	bool fine;

	policy_init(&policy);
	fine = load_ini(&policy, ini, "-", message, sizeof(message));
	policy_release(&policy);
	if (!fine && said[0] == '-')
		said = strstr(said, ": ") ? strstr(said, ": ") + 2 : said; /* a line that is none */
	return fine ? 0 : refuse(r, said, "");
}

/* In the order in which sites_new() meets them. Rows of one site mostly stand together. */
static bool note_name(struct site_list *list, const char *site)
{
	for (size_t i = list->n_names; i-- > 0;)
		if (strcmp(list->names[i], site) == 0)
			return true;
	const char **grown = realloc(list->names, (list->n_names + 1) * sizeof(*grown));
	if (!grown)
		return false;
	list->names = grown;
	grown[list->n_names++] = site;
	return true;
}

static int take_names(struct reading *r, const char *site, const char *wan)
{
	struct site_list *list = r->list;
	struct site_line *grown;

	if (strpbrk(site, "/[]") || site[0] == '.' || strcmp(site, OUTLETS_UNTOLD) == 0)
		return refuse(r, "no name for a site:", site);
	if (strpbrk(wan, "[]*?") || strcmp(wan, OUTLETS_UNTOLD) == 0)
		return refuse(r, "no name for a WAN:", wan);
	grown = realloc(list->lines, (list->n_lines + 1) * sizeof(*grown));
	if (!grown)
		return no_memory();
	list->lines = grown;
	grown[list->n_lines++] = (struct site_line){.site = strdup(site), .wan = strdup(wan)};
	return grown[list->n_lines - 1].site && grown[list->n_lines - 1].wan &&
	                       note_name(list, grown[list->n_lines - 1].site)
	               ? 0
	               : no_memory();
}

static int take_line(struct reading *r, char *text)
{
	static const char blanks[] = " \t";
	char *rest = NULL, *site, *wan, *signs;
	struct site_line *line;
	int code;

	text[strcspn(text, "#\r\n")] = '\0';
	names_clean(text + strspn(text, blanks));
	site = strtok_r(text, blanks, &rest);
	if (!site)
		return 0;
	wan = strtok_r(NULL, blanks, &rest);
	signs = strtok_r(NULL, blanks, &rest);
	if (!signs)
		return refuse(r, "a row is SITE WAN ADDRESS/LEN|id:N[,...] [ROLE] [KEY=VALUE]...",
		              "");
	code = take_names(r, site, wan);
	if (code != 0)
		return code;
	line = &r->list->lines[r->list->n_lines - 1];
	code = add_signs(r, line, signs);
	if (code != 0)
		return code;
	line->ini = write_ini(wan, rest);
	return line->ini ? check_ini(r, line->ini) : no_memory();
}

/* ---- the file ---- */

static int read_lines(struct site_list *list, FILE *file)
{
	struct reading r = {list, 0};
	char *text = NULL;
	size_t size = 0;
	int code = 0;

	while (code == 0 && getline(&text, &size, file) >= 0) {
		r.line++;
		for (char *tab = strchr(text, '\t'); tab; tab = strchr(tab, '\t'))
			*tab = ' ';
		code = take_line(&r, text);
	}
	free(text);
	if (code == 0 && ferror(file))
		code = command_complain(EXIT_NO_INPUT, "--sites %s: cannot be read", list->path);
	if (code == 0 && list->n_rows == 0)
		code = command_complain(EXIT_CONFIG, "--sites %s: no row", list->path);
	return code;
}

int site_list_read(struct site_list **list, const char *path)
{
	int code;
	FILE *file = intake_open_text("--sites", path, &code);

	if (!file)
		return code;
	site_list_free(*list);
	*list = calloc(1, sizeof(**list));
	if (*list) {
		(*list)->path = path;
		code = read_lines(*list, file);
	} else {
		code = no_memory();
	}
	fclose(file);
	return code;
}

void site_list_free(struct site_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n_lines; i++) {
		free(list->lines[i].site);
		free(list->lines[i].wan);
		free(list->lines[i].ini);
	}
	for (size_t i = 0; list->ledgers && i < list->n_ledgers; i++) {
		if (list->ledgers[i])
			ledger_release(list->ledgers[i]);
		free(list->ledgers[i]);
	}
	free(list->ledgers);
	free(list->names);
	free(list->lines);
	free(list->rows);
	free(list);
}

bool site_list_open(struct site_list *list, size_t n)
{
	list->ledgers = calloc(n, sizeof(*list->ledgers));
	if (!list->ledgers)
		return false;
	list->n_ledgers = n;
	for (size_t i = 0; i < n; i++) {
		/* zero is what ledger_init() makes; not to touch it saves a third of a megabyte */
		list->ledgers[i] = calloc(1, sizeof(*list->ledgers[i]));
		if (!list->ledgers[i])
			return false;
	}
	return true;
}

int site_list_expect(const struct site_list *list, const char *site, struct policy *policy)
{
	char message[600];

	free(policy->site);
	policy->site = strdup(site);
	if (!policy->site)
		return no_memory();
	for (size_t i = 0; i < list->n_lines; i++) {
		const struct site_line *line = &list->lines[i];

		if (strcmp(line->site, site) != 0)
			continue;
		if (!policy_add_only(policy, line->wan))
			return no_memory();
		if (!load_ini(policy, line->ini, list->path, message, sizeof(message)))
			return command_complain(EXIT_CONFIG, "%s", message);
	}
	return 0;
}

const char *site_list_name(const struct site_list *list, size_t at)
{
	return list->names[at];
}

int site_list_save(const struct site_list *list, const char *directory)
{
	int code = 0;

	if (mkdir(directory, 0777) != 0 && errno != EEXIST)
		return command_complain(EXIT_CANNOT_CREATE, "%s: %s", directory, strerror(errno));
	for (size_t i = 0; i < list->n_ledgers && code == 0; i++) {
		bool nobody = i + 1 == list->n_ledgers;
		char path[4096];

		if (nobody && list->ledgers[i]->n_wans == 0)
			break;
		snprintf(path, sizeof(path), "%s/%s.json", directory,
		         nobody ? OUTLETS_UNTOLD : site_list_name(list, i));
		code = intake_save(list->ledgers[i], path);
	}
	return code;
}
