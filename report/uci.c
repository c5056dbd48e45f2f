/* SPDX-License-Identifier: MIT
 *
 * uci.c - see uci.h. The grammar is that of libuci's file.c; its words may be shortened to their
 * first letter, and ';' ends a command as a line does.
 */
#include "uci.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"

const char *const uci_packages[UCI_PACKAGES] = {"network", "openmptcprouter", "omr-quota",
                                                "system"};

/* Texts are borrowed from the copy of their file. A section may stand in several places (libuci
 * adds them up), so it is found by its name, not by its row. */
struct option_row {
	uint32_t section;
	bool list;
	const char *name, *value;
};

struct uci {
	char **texts; /* owned: the files, cut into words */
	size_t n_texts;
	struct uci_section *sections; /* owned */
	unsigned n_sections, cap_sections;
	struct option_row *options; /* owned */
	unsigned n_options, cap_options;
};

struct uci *uci_new(void)
{
	return calloc(1, sizeof(struct uci));
}

void uci_free(struct uci *uci)
{
	if (!uci)
		return;
	for (size_t i = 0; i < uci->n_texts; i++)
		free(uci->texts[i]);
	free(uci->texts);
	free(uci->sections);
	free(uci->options);
	free(uci);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

const char *uci_package(const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;

	for (size_t i = 0; i < UCI_PACKAGES; i++) {
		const char *at = strstr(base, uci_packages[i]);
		size_t n = strlen(uci_packages[i]);

		if (at && (at == base || !is_word(at[-1])) && !is_word(at[n]))
			return uci_packages[i];
	}
	return NULL;
}

/* ---- words ---- */

/* The reader's place in a text, which it cuts into words where it stands: a word never grows. */
struct reader {
	char *at, *end;
	unsigned line;
	bool open; /* the text ended inside quotes */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\0';
}

static bool at_end_of_command(const struct reader *r)
{
	return r->at == r->end || *r->at == '\n' || *r->at == ';' || *r->at == '#';
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && is_blank(*r->at))
		r->at++;
}

/* Behind an opening quote: take all up to the closing one. Only "..." knows the backslash. */
static void take_quoted(struct reader *r, char quote, char **to)
{
	while (r->at < r->end && *r->at != quote) {
		if (quote == '"' && *r->at == '\\' && r->at + 1 < r->end)
			r->at++;
		r->line += *r->at == '\n';
		*(*to)++ = *r->at++;
	}
	if (r->at == r->end)
		r->open = true;
	else
		r->at++;
}

/* The next word of this command, or NULL. Its end is written when the next place is known: the
 * separator behind it is kept in *behind. */
static char *take_word(struct reader *r, char *behind)
{
	char *word, *to;

	skip_blanks(r);
	if (at_end_of_command(r))
		return NULL;
	word = to = r->at;
	while (!at_end_of_command(r) && !is_blank(*r->at)) {
		char c = *r->at++;

		if (c == '\'' || c == '"')
			take_quoted(r, c, &to);
		else if (c != '\\')
			*to++ = c;
		else if (r->at < r->end && *r->at != '\n')
			*to++ = *r->at++;
	}
	*behind = r->at < r->end ? *r->at : '\0';
	*to = '\0';
	return word;
}

/* A command: up to four words. `to` may lie on the separator, which is why take_word() tells it.
 * Returns how many there were. */
#define LINE_WORDS 4
static unsigned take_command(struct reader *r, char *words[LINE_WORDS])
{
	unsigned n = 0;
	char behind = ' ', *word;

	while (is_blank(behind) && (word = take_word(r, &behind))) {
		if (n < LINE_WORDS)
			words[n] = word;
		n++;
		if (r->at < r->end && is_blank(behind))
			r->at++;
	}
	/* a '#' that follows a word, or stands alone: the rest of the line is a comment */
	if (behind == '#' || (r->at < r->end && is_blank(behind) && *r->at == '#'))
		while (r->at < r->end && *r->at != '\n')
			r->at++;
	if (r->at < r->end) {
		r->line += *r->at == '\n' || behind == '\n';
		r->at++;
	}
	return n;
}

/* ---- rows ---- */

static bool grow(void **rows, unsigned *cap, unsigned n, size_t size)
{
	unsigned more = *cap ? *cap * 2 : 64;
	void *grown;

	if (n < *cap)
		return true;
	grown = realloc(*rows, more * size);
	if (!grown)
		return false;
	*rows = grown;
	*cap = more;
	return true;
}

struct reading {
	struct uci *uci;
	struct expect *expect;
	const char *name, *package;
	unsigned line; /* of the command */
	bool in, full; /* a section is open; more was there than fits */
	bool no_memory;
};

static void note_line(struct reading *g, enum message what)
{
	char safe[80], number[24], message[EXPECT_NOTE], words[60];

	snprintf(number, sizeof(number), "%u", g->line);
	message_say(words, sizeof(words), what, (const char *const[]){NULL});
	expect_note(g->expect, SAY_IN(message, note_line,
	                              text_safe(safe, sizeof(safe), g->name, 40), number, words));
}

static void add_section(struct reading *g, const char *type, const char *name)
{
	struct uci *u = g->uci;

	g->in = false;
	if (u->n_sections == UCI_SECTIONS_MAX) {
		g->full = true;
		return;
	}
	if (!grow((void **)&u->sections, &u->cap_sections, u->n_sections, sizeof(*u->sections))) {
		g->no_memory = true;
		return;
	}
	u->sections[u->n_sections++] = (struct uci_section){g->package, type, name};
	g->in = true;
}

static void add_option(struct reading *g, bool list, const char *name, const char *value)
{
	struct uci *u = g->uci;

	if (u->n_options == UCI_OPTIONS_MAX) {
		g->full = true;
		return;
	}
	if (!grow((void **)&u->options, &u->cap_options, u->n_options, sizeof(*u->options))) {
		g->no_memory = true;
		return;
	}
	u->options[u->n_options++] = (struct option_row){u->n_sections - 1, list, name, value};
}

static bool is_command(const char *word, const char *name)
{
	return word[0] == name[0] && (word[1] == '\0' || strcmp(word, name) == 0);
}

static void take_line(struct reading *g, char *words[LINE_WORDS], unsigned n)
{
	bool list = is_command(words[0], "list");

	if (is_command(words[0], "package") && n == 2) {
		g->package = uci_package(words[1]);
		g->in = false;
	} else if (is_command(words[0], "config") && (n == 2 || n == 3)) {
		g->in = false;
		if (g->package)
			add_section(g, words[1], n == 3 ? words[2] : "");
	} else if ((list || is_command(words[0], "option")) && n == 3) {
		if (g->in)
			add_option(g, list, words[1], words[2]);
		else if (g->package && !g->full)
			note_line(g, MESSAGE_note_early_option);
	} else {
		note_line(g, MESSAGE_note_not_understood);
	}
}

/* ---- files ---- */

static enum uci_answer slurp(FILE *file, char **text, size_t *length)
{
	char *buffer = malloc(UCI_FILE_MAX + 2), *fitting;

	if (!buffer)
		return UCI_NO_MEMORY;
	*length = fread(buffer, 1, UCI_FILE_MAX + 1, file);
	if (ferror(file) || *length > UCI_FILE_MAX) {
		free(buffer);
		return ferror(file) ? UCI_UNREADABLE : UCI_TOO_LARGE;
	}
	buffer[*length] = '\0';
	fitting = realloc(buffer, *length + 1);
	*text = fitting ? fitting : buffer;
	return UCI_FINE;
}

static bool keep_text(struct uci *uci, char *text)
{
	char **grown = realloc(uci->texts, (uci->n_texts + 1) * sizeof(*grown));

	if (!grown)
		return false;
	uci->texts = grown;
	grown[uci->n_texts++] = text;
	return true;
}

enum uci_answer uci_read(struct uci *uci, FILE *file, const char *package, const char *name,
                         struct expect *expect)
{
	struct reading g = {.uci = uci, .expect = expect, .name = name, .package = package};
	struct reader r = {.line = 1};
	char *text, *words[LINE_WORDS];
	size_t length;
	enum uci_answer answer = slurp(file, &text, &length);

	if (answer != UCI_FINE)
		return answer;
	if (!keep_text(uci, text)) {
		free(text);
		return UCI_NO_MEMORY;
	}
	r.at = text;
	r.end = text + length;
	while (r.at < r.end && !g.no_memory) {
		unsigned n;

		g.line = r.line;
		n = take_command(&r, words);
		/* half a value is none: the file was cut while it was written */
		if (n > 0 && !r.open)
			take_line(&g, words, n);
	}
	if (r.open)
		note_line(&g, MESSAGE_note_open_quotes);
	if (g.full)
		note_line(&g, MESSAGE_note_too_many);
	return g.no_memory ? UCI_NO_MEMORY : UCI_FINE;
}

/* ---- questions ---- */

bool uci_section(const struct uci *uci, unsigned index, struct uci_section *section)
{
	if (index >= uci->n_sections)
		return false;
	*section = uci->sections[index];
	return true;
}

static bool is_option(const struct uci *uci, const struct option_row *row, const char *package,
                      const char *section, const char *option)
{
	const struct uci_section *s = &uci->sections[row->section];

	return strcmp(row->name, option) == 0 && strcmp(s->name, section) == 0 &&
	       strcmp(s->package, package) == 0;
}

/* As libuci does: "list" adds, "option" begins anew, an empty value changes nothing. */
unsigned uci_list(const struct uci *uci, const char *package, const char *section,
                  const char *option, const char **values, unsigned most)
{
	unsigned n = 0;

	for (unsigned i = 0; i < uci->n_options; i++) {
		const struct option_row *row = &uci->options[i];

		if (!is_option(uci, row, package, section, option) || !row->value[0])
			continue;
		if (!row->list)
			n = 0;
		if (n < most)
			values[n] = row->value;
		n++;
	}
	return n;
}

const char *uci_get(const struct uci *uci, const char *package, const char *section,
                    const char *option)
{
	const char *value = NULL;

	return uci_list(uci, package, section, option, &value, 1) > 0 ? value : NULL;
}
