/* SPDX-License-Identifier: MIT
 *
 * inputs.c - see inputs.h.
 */
#include "inputs.h"

#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum source_failure fail(struct source_error *error, enum source_failure failure,
                                const char *path, const char *what)
{
	error->failure = failure;
	snprintf(error->message, sizeof(error->message), "%s%s%s", path, path[0] ? ": " : "", what);
	return failure;
}

static enum source_failure add(struct inputs *inputs, const struct source_spec *spec, char *path,
                               bool explicit_path, struct source_error *error)
{
	if (inputs->n == inputs->cap) {
		size_t cap = inputs->cap ? inputs->cap * 2 : 16;
		struct input *list = realloc(inputs->list, cap * sizeof(*list));
		if (!list) {
			free(path);
			return fail(error, SOURCE_NO_MEMORY, "", "out of memory");
		}
		inputs->list = list;
		inputs->cap = cap;
	}
	inputs->list[inputs->n++] = (struct input){
		.path = path,
		.base = spec->wan ? strdup(spec->wan) : NULL,
		.named = spec->wan != NULL,
		.aside = spec->aside,
		.explicit_path = explicit_path,
		.window = {.fd = -1, .packing = ""},
	};
	if (!path || (spec->wan && !inputs->list[inputs->n - 1].base))
		return fail(error, SOURCE_NO_MEMORY, "", "out of memory");
	return SOURCE_FINE;
}

static char *join(const char *directory, const char *name)
{
	char *path = NULL;
	size_t length = strlen(directory);
	const char *slash = length && directory[length - 1] == '/' ? "" : "/";

	return asprintf(&path, "%s%s%s", directory, slash, name) < 0 ? NULL : path;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Names only: what is no capture is found out, and left out, when it is opened. */
static enum source_failure add_directory(struct inputs *inputs, const struct source_spec *spec,
                                         struct source_error *error)
{
	struct dirent **entries;
	int n = scandir(spec->path, &entries, visible, alphasort);
	enum source_failure failure = SOURCE_FINE;

	if (n < 0)
		return fail(error, errno == EACCES ? SOURCE_DENIED : SOURCE_NO_INPUT, spec->path,
		            strerror(errno));
	for (int i = 0; i < n; i++) {
		struct stat status;
		char *path = join(spec->path, entries[i]->d_name);
		if (!path)
			failure = fail(error, SOURCE_NO_MEMORY, "", "out of memory");
		else if (failure == SOURCE_FINE && stat(path, &status) == 0 &&
		         S_ISREG(status.st_mode))
			failure = add(inputs, spec, path, false, error);
		else
			free(path);
		free(entries[i]);
	}
	free(entries);
	return failure;
}

static enum source_failure add_spec(struct inputs *inputs, const struct source_spec *spec,
                                    struct source_error *error)
{
	struct stat status;

	if (strcmp(spec->path, "-") != 0 && stat(spec->path, &status) == 0 &&
	    S_ISDIR(status.st_mode))
		return add_directory(inputs, spec, error);
	return add(inputs, spec, strdup(spec->path), true, error);
}

/* ---- the same file twice would be counted twice ---- */

struct identity {
	dev_t device;
	ino_t inode;
	const char *path;
};

static int by_identity(const void *one, const void *other)
{
	const struct identity *a = one, *b = other;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return strcmp(a->path, b->path);
}

static enum source_failure refuse_twins(const struct inputs *inputs, struct source_error *error)
{
	struct identity *files = calloc(inputs->n + 1, sizeof(*files));
	enum source_failure failure = SOURCE_FINE;
	size_t n = 0;
	unsigned pipes = 0;

	if (!files)
		return fail(error, SOURCE_NO_MEMORY, "", "out of memory");
	for (size_t i = 0; i < inputs->n; i++) {
		struct stat status;
		if (strcmp(inputs->list[i].path, "-") == 0) {
			if (pipes++)
				failure = fail(error, SOURCE_NO_INPUT, "standard input",
				               "is given twice; name it once");
		} else if (stat(inputs->list[i].path, &status) == 0 && S_ISREG(status.st_mode)) {
			files[n++] = (struct identity){status.st_dev, status.st_ino,
			                               inputs->list[i].path};
		}
	}
	qsort(files, n, sizeof(*files), by_identity);
	for (size_t i = 1; i < n && failure == SOURCE_FINE; i++)
		if (files[i].device == files[i - 1].device && files[i].inode == files[i - 1].inode)
			failure = fail(error, SOURCE_NO_INPUT, files[i].path,
			               "is the same file as another input; name it once");
	free(files);
	return failure;
}

/* ---- names ---- */

struct naming {
	struct input *input;
	char *stem, *directory;
};

static int by_stem(const void *one, const void *other)
{
	const struct naming *a = one, *b = other;
	int order = strcmp(a->stem, b->stem);

	return order ? order : strcmp(a->directory, b->directory);
}

static int by_text(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Do the last `parts` parts of their directories tell the rows apart? `tails` has room for all. */
static bool told_apart(const struct naming *rows, size_t n, unsigned parts, const char **tails)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(rows[i].directory, rows[i - 1].directory) != 0)
			tails[kept++] = names_tail(rows[i].directory, parts);
	qsort(tails, kept, sizeof(*tails), by_text);
	for (size_t i = 1; i < kept; i++)
		if (strcmp(tails[i], tails[i - 1]) == 0)
			return false;
	return true;
}

/* How many such parts the rows of one stem need, which are sorted; 0 when they share their
 * directory. */
static bool parts_needed(const struct naming *rows, size_t n, unsigned *parts)
{
	*parts = 0;
	if (strcmp(rows[0].directory, rows[n - 1].directory) == 0)
		return true;
	const char **tails = calloc(n, sizeof(*tails));
	if (!tails)
		return false;
	for (*parts = 1; *parts < 64 && !told_apart(rows, n, *parts, tails);)
		++*parts;
	free(tails);
	return true;
}

static bool name_rows(struct naming *rows, size_t n)
{
	unsigned parts;

	if (!parts_needed(rows, n, &parts))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct input *input = rows[i].input;
		if (parts == 0)
			input->base = strdup(rows[i].stem);
		else
			input->base = join(names_tail(rows[i].directory, parts), rows[i].stem);
		if (!input->base)
			return false;
		names_clean(input->base);
	}
	return true;
}

static bool split_all(struct inputs *inputs, struct naming *rows, size_t *n)
{
	for (size_t i = 0; i < inputs->n; i++) {
		struct input *input = &inputs->list[i];
		const char *path = strcmp(input->path, "-") == 0 ? "stdin" : input->path;
		if (input->named)
			continue;
		rows[*n].input = input;
		if (!names_split(path, &rows[*n].stem, &rows[*n].directory))
			return false;
		++*n;
	}
	return true;
}

static bool name_all(struct inputs *inputs)
{
	struct naming *rows = calloc(inputs->n + 1, sizeof(*rows));
	size_t n = 0;
	bool good = rows && split_all(inputs, rows, &n);

	if (good)
		qsort(rows, n, sizeof(*rows), by_stem);
	for (size_t from = 0, to; good && from < n; from = to) {
		for (to = from + 1; to < n && strcmp(rows[to].stem, rows[from].stem) == 0; to++)
			;
		good = name_rows(rows + from, to - from);
	}
	for (size_t i = 0; i < n; i++) {
		free(rows[i].stem);
		free(rows[i].directory);
	}
	free(rows);
	return good;
}

enum source_failure inputs_collect(struct inputs *inputs, const struct source_spec *specs,
                                   size_t n_specs, struct source_error *error)
{
	enum source_failure failure = SOURCE_FINE;

	for (size_t i = 0; i < n_specs && failure == SOURCE_FINE; i++) {
		size_t before = inputs->n;
		failure = add_spec(inputs, &specs[i], error);
		for (size_t k = before; k < inputs->n; k++)
			inputs->list[k].spec = (uint32_t)i;
		if (failure == SOURCE_FINE && inputs->n == before)
			failure = fail(error, SOURCE_NO_INPUT, specs[i].path,
			               "a directory without files; give one that holds captures");
	}
	if (failure == SOURCE_FINE && inputs->n == 0)
		failure = fail(error, SOURCE_NO_INPUT, "", "no capture given");
	if (failure == SOURCE_FINE)
		failure = refuse_twins(inputs, error);
	if (failure == SOURCE_FINE && !name_all(inputs))
		failure = fail(error, SOURCE_NO_MEMORY, "", "out of memory");
	return failure;
}

void inputs_release(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->n; i++)
		input_release(&inputs->list[i]);
	free(inputs->list);
	*inputs = (struct inputs){0};
}
