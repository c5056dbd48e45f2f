/* SPDX-License-Identifier: MIT
 *
 * cmd_keep.c - see cmd_keep.h.
 */
#include "cmd_keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../capture/names.h"
#include "../capture/spool_name.h"
#include "cmd_keep_frames.h"

#define PART       ".keeping.part" /* one file is written at a time */
#define NS         1000000000ull
#define ZSTD_LEVEL 3

_Static_assert((int)KEEP_EVIDENCE == (int)THIN_EVIDENCE && (int)KEEP_EVENTS == (int)THIN_EVENTS &&
                       (int)KEEP_CARRYING == (int)THIN_CARRYING &&
                       (int)KEEP_WHOLE == (int)THIN_WHOLE,
               "what thinning calls a reason, keeping calls a tier");

struct keep {
	int dir; /* borrowed */
	struct keep_options options;
	struct keep_entry *entries; /* what lies there */
	size_t n, cap;
	uint64_t bytes;
	struct keep_usage usage; /* of this run */
	int error;
	char trouble[400];
};

/* A file of a pass. */
struct piece {
	const char *path;
	char *name;                    /* owned; in our directory */
	const struct ledger_file *row; /* NULL = the report does not know it */
	const struct keep_file *plan;
	const char *wan;
	int64_t shift_ns;
	enum keep_tier tier; /* what it would be at best; KEEP_TIERS = nothing of it */
};

struct pass {
	struct keep *keep;
	int spool;
	const struct report *report;
	struct keep_plan plan;
	struct keep_frames frames;
	struct piece *pieces; /* owned */
	size_t n;
};

static void trouble(struct keep *keep, const char *what, int error)
{
	if (keep->error)
		return;
	keep->error = error;
	snprintf(keep->trouble, sizeof(keep->trouble), "%s: %s", what,
	         error == -EBADMSG ? "is no capture" : strerror(-error));
}

/* ---- what lies there ---- */

static size_t find(const struct keep *keep, const char *name)
{
	size_t i = 0;

	while (i < keep->n && strcmp(keep->entries[i].name, name) != 0)
		i++;
	return i;
}

static void forget(struct keep *keep, size_t index)
{
	if (index == keep->n)
		return;
	keep->bytes -= keep->entries[index].bytes;
	free(keep->entries[index].name);
	keep->entries[index] = keep->entries[--keep->n];
}

/* The recorder's names have a time; else it is that of the last frame. */
static uint64_t age_of(const char *name, const struct stat *st)
{
	struct spool_name parts;

	if (spool_name_parse(&parts, name))
		return parts.real_s * NS;
	return (uint64_t)st->st_mtim.tv_sec * NS + (uint64_t)st->st_mtim.tv_nsec;
}

static struct keep_entry *add_entry(struct keep *keep, const char *name)
{
	if (keep->n == keep->cap) {
		size_t cap = keep->cap ? keep->cap * 2 : 64;
		struct keep_entry *rows = realloc(keep->entries, cap * sizeof(*rows));

		if (!rows)
			return NULL;
		keep->entries = rows;
		keep->cap = cap;
	}
	struct keep_entry *entry = &keep->entries[keep->n];
	*entry = (struct keep_entry){.name = strdup(name)};
	keep->n += entry->name != NULL;
	return entry->name ? entry : NULL;
}

/* A file is there, or is another one now. */
static int note(struct keep *keep, const char *name, enum keep_tier tier)
{
	size_t index = find(keep, name);
	struct keep_entry *entry = index < keep->n ? &keep->entries[index] : add_entry(keep, name);
	struct stat st;

	if (!entry)
		return -ENOMEM;
	if (fstatat(keep->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	keep->bytes += (uint64_t)st.st_size - entry->bytes;
	entry->bytes = (uint64_t)st.st_size;
	entry->age_ns = age_of(name, &st);
	entry->tier = tier;
	return 0;
}

static int open_file(int dir, const char *name, int flags)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EBADMSG;
}

static int take_name(struct keep *keep, const char *name)
{
	enum thin_reason as;
	int fd = name[0] == '.' ? -1 : open_file(keep->dir, name, O_NOFOLLOW);

	if (fd < 0 || !thin_look(fd, &as))
		return 0; /* none of ours */
	return note(keep, name, (enum keep_tier)as);
}

static int take_stock(struct keep *keep)
{
	int fd = openat(keep->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	while (!error && (entry = readdir(dir)))
		error = take_name(keep, entry->d_name);
	closedir(dir);
	return error;
}

struct keep *keep_open(int dir, const struct keep_options *options, int *error)
{
	struct keep *keep = calloc(1, sizeof(*keep));

	*error = -ENOMEM;
	if (!keep)
		return NULL;
	keep->dir = dir;
	keep->options = *options;
	if (!keep->options.around_ns)
		keep->options.around_ns = KEEP_AROUND_NS;
	if (flock(dir, LOCK_EX | LOCK_NB) != 0) {
		*error = -errno;
		free(keep);
		return NULL;
	}
	unlinkat(dir, PART, 0);
	*error = take_stock(keep);
	if (!*error)
		return keep;
	keep_close(keep);
	return NULL;
}

void keep_close(struct keep *keep)
{
	if (!keep)
		return;
	flock(keep->dir, LOCK_UN);
	for (size_t i = 0; i < keep->n; i++)
		free(keep->entries[i].name);
	free(keep->entries);
	free(keep);
}

const char *keep_trouble(const struct keep *keep)
{
	return keep->trouble;
}

void keep_look(const struct keep *keep, struct keep_usage *usage)
{
	*usage = keep->usage;
	usage->files = keep->n;
	usage->bytes = keep->bytes;
	for (size_t i = 0; i < keep->n; i++)
		usage->tiers[keep->entries[i].tier]++;
}

/* ---- a file becomes smaller ---- */

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	return n >= m && strcmp(name + n - m, ending) == 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Write what a tier has of a capture, or of what was kept of one, under `name`. */
static int write_tier(struct keep *keep, int fd, const struct thin_list *list, const char *name,
                      const struct piece *piece, uint64_t most, struct thin_result *result)
{
	const struct thin_output output = {
		.dir = keep->dir,
		.part = PART,
		.name = name,
		.file = piece ? last_part(piece->path) : name,
		.wan = piece ? piece->wan : NULL,
		.most = most,
		.zstd_level = ends_with(name, ".zst") ? ZSTD_LEVEL : 0,
	};

	return thin_file(fd, list, &output, result);
}

static void drop(struct keep *keep, size_t index)
{
	if (unlinkat(keep->dir, keep->entries[index].name, 0) != 0 && errno != ENOENT)
		trouble(keep, keep->entries[index].name, -errno);
	keep->usage.dropped++;
	forget(keep, index);
}

/* One tier down. Where that saves nothing (all of it is evidence, say) the file stays what it is,
 * and only counts as of that tier. */
static void reduce(struct keep *keep, size_t index)
{
	struct keep_entry *entry = &keep->entries[index];
	enum keep_tier tier = keep_below(entry->tier);
	struct keep_frames frames = {0};
	struct thin_result result = {0};
	const struct thin_list list = {.as = (enum thin_reason)tier,
	                               .look = tier == KEEP_CARRYING ? keep_frames_look : NULL,
	                               .context = &frames};
	int error = 0;

	if (tier != KEEP_TIERS) {
		int fd = open_file(keep->dir, entry->name, O_NOFOLLOW);

		keep_frames_begin(&frames, tier == KEEP_CARRYING);
		error = fd < 0 ? fd
		               : write_tier(keep, fd, &list, entry->name, NULL, entry->bytes - 1,
		                            &result);
	}
	if (error == -EFBIG || error == -ENOSPC) {
		entry->tier = tier;
		return;
	}
	if (!error && result.kept > 0) {
		keep->usage.reduced++;
		error = note(keep, entry->name, tier);
	}
	if (error)
		trouble(keep, entry->name, error);
	if (error || result.kept == 0)
		drop(keep, index);
}

static void make_room(struct keep *keep)
{
	while (keep->options.budget && keep->bytes > keep->options.budget && keep->n > 0)
		reduce(keep, keep_first(keep->entries, keep->n));
}

/* ---- the files of a pass ---- */

static bool cut_end(char *name, const char *ending)
{
	if (!ends_with(name, ending))
		return false;
	name[strlen(name) - strlen(ending)] = '\0';
	return true;
}

/* Under what name something of a capture is kept; `long_name`: with its directories. */
static char *kept_name(const char *path, bool long_name)
{
	const char *from = long_name ? path : last_part(path);
	char *name, *stem;
	bool packed;

	while (*from == '.' || *from == '/')
		from++;
	stem = strndup(from, names_complete(from));
	if (!stem)
		return NULL;
	for (char *at = stem; *at; at++)
		*at = *at == '/' ? '_' : *at;
	packed = cut_end(stem, ".zst");
	if (!packed)
		cut_end(stem, ".gz");
	if (!cut_end(stem, ".pcapng"))
		cut_end(stem, ".pcap");
	if (asprintf(&name, "%s.pcapng%s", stem, packed ? ".zst" : "") < 0)
		name = NULL;
	free(stem);
	return name;
}

static int piece_order(const void *a, const void *b)
{
	return strcmp(((const struct piece *)a)->name, ((const struct piece *)b)->name);
}

/* Captures of one name in several directories need the directories to tell them apart. */
static bool name_pieces(struct pass *pass)
{
	struct piece *pieces = pass->pieces;

	for (size_t i = 0; i < pass->n; i++) {
		pieces[i].name = kept_name(pieces[i].path, false);
		if (!pieces[i].name)
			return false;
	}
	qsort(pieces, pass->n, sizeof(*pieces), piece_order);
	for (size_t i = 0, end; i < pass->n; i = end) {
		for (end = i + 1; end < pass->n && !strcmp(pieces[i].name, pieces[end].name);)
			end++;
		for (size_t k = i; k < end && end - i > 1; k++) {
			char *name = kept_name(pieces[k].path, true);

			if (!name)
				return false;
			free(pieces[k].name);
			pieces[k].name = name;
		}
	}
	return true;
}

static int64_t shift_of(const struct pass *pass, const struct ledger_file *row)
{
	const struct keep_options *options = &pass->keep->options;
	const struct ledger *ledger = pass->report->ledger;

	for (size_t i = 0; i < options->n_shifts; i++)
		if (row->wan < ledger->n_wans &&
		    strcmp(ledger->wans[row->wan].name, options->shifts[i].wan) == 0)
			return row->shift_ns + options->shifts[i].ns;
	return row->shift_ns;
}

/* Minutes around events reach into the file. */
static bool has_events(const struct pass *pass, const struct ledger_file *row)
{
	uint64_t from = row->from_ns && row->from_ns < row->first_ns ? row->from_ns : row->first_ns;
	uint64_t to = row->to_ns > row->last_ns ? row->to_ns : row->last_ns;

	for (size_t i = 0; i < pass->plan.n_spans; i++)
		if (pass->plan.spans[i].from_ns <= to && pass->plan.spans[i].to_ns >= from)
			return true;
	return false;
}

static void find_row(struct pass *pass, struct piece *piece)
{
	const struct ledger *ledger = pass->report->ledger;
	size_t found = ledger->n_files;

	for (size_t i = 0; i < ledger->n_files; i++) {
		if (strcmp(ledger->files[i].name, piece->path) == 0) {
			found = i;
			break;
		}
		if (strcmp(last_part(ledger->files[i].name), last_part(piece->path)) == 0)
			found = i;
	}
	piece->tier = KEEP_TIERS;
	if (found == ledger->n_files)
		return;
	piece->row = &ledger->files[found];
	piece->plan = &pass->plan.files[found];
	if (piece->row->wan < ledger->n_wans)
		piece->wan = ledger->wans[piece->row->wan].name;
	piece->shift_ns = shift_of(pass, piece->row);
	if (piece->plan->whole)
		piece->tier = KEEP_WHOLE;
	else if (has_events(pass, piece->row))
		piece->tier = KEEP_EVENTS;
	else if (piece->plan->n_numbers || pass->report->ledger->n_connections)
		piece->tier = KEEP_EVIDENCE;
}

static struct thin_list list_of(struct pass *pass, const struct piece *piece)
{
	return (struct thin_list){
		.numbers = piece->plan->numbers,
		.n_numbers = piece->plan->n_numbers,
		.spans = (const struct thin_span *)pass->plan.spans,
		.n_spans = pass->plan.n_spans,
		.shift_ns = piece->shift_ns,
		.context = &pass->frames,
	};
}

/* What a user names may be a link; what lies in a spool is none. */
static int open_piece(const struct pass *pass, const struct piece *piece)
{
	return open_file(pass->spool, piece->path, pass->spool == AT_FDCWD ? 0 : O_NOFOLLOW);
}

/* Whose frames are evidence, in all files: read up to the last one that is. */
static void collect(struct pass *pass)
{
	for (size_t i = 0; i < pass->n; i++) {
		const struct piece *piece = &pass->pieces[i];
		struct thin_result result;

		if (piece->tier == KEEP_TIERS || piece->plan->n_numbers == 0)
			continue;
		struct thin_list list = list_of(pass, piece);
		list.n_spans = 0;
		list.look = keep_frames_collect;
		list.until = list.numbers[list.n_numbers - 1];
		int fd = open_piece(pass, piece);
		if (fd >= 0) /* what is wrong with it is told when it is read again */
			thin_file(fd, &list, NULL, &result);
	}
}

/* As much of a file as the budget can have. */
static int store(struct pass *pass, const struct piece *piece, struct thin_result *result,
                 enum keep_tier *tier)
{
	struct keep *keep = pass->keep;
	struct thin_list list = list_of(pass, piece);
	int error = -EFBIG;

	for (*tier = piece->tier; *tier != KEEP_TIERS; *tier = keep_below(*tier)) {
		int fd = open_piece(pass, piece);

		if (fd < 0)
			return fd;
		list.as = (enum thin_reason) * tier;
		list.look = keep_frames_look;
		keep_frames_begin(&pass->frames, *tier == KEEP_CARRYING);
		error = write_tier(keep, fd, &list, piece->name, piece, keep->options.budget,
		                   result);
		if (error != -EFBIG && error != -ENOSPC)
			break;
	}
	return error;
}

/* Somebody else's file has the name: the capture itself, perhaps. */
static bool is_strange(const struct keep *keep, const char *name)
{
	return find(keep, name) == keep->n &&
	       faccessat(keep->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void keep_piece(struct pass *pass, const struct piece *piece)
{
	struct keep *keep = pass->keep;
	struct thin_result result = {0};
	enum keep_tier tier;
	int error;

	if (piece->tier == KEEP_TIERS ||
	    (piece->tier == KEEP_EVIDENCE && !piece->plan->n_numbers && !pass->frames.n_handshakes))
		return;
	error = is_strange(keep, piece->name) ? -EEXIST : store(pass, piece, &result, &tier);
	keep->usage.frames += result.frames;
	keep->usage.kept += error ? 0 : result.kept;
	if (!error && result.bytes)
		error = note(keep, piece->name, tier);
	if (error && error != -EFBIG)
		trouble(keep, piece->path, error);
	make_room(keep);
}

static void release(struct pass *pass)
{
	for (size_t i = 0; i < pass->n; i++)
		free(pass->pieces[i].name);
	free(pass->pieces);
	keep_frames_release(&pass->frames);
	keep_plan_release(&pass->plan);
}

static bool prepare(struct pass *pass, const char *const *files, size_t n)
{
	pass->pieces = calloc(n + 1, sizeof(*pass->pieces));
	if (!pass->pieces)
		return false;
	pass->n = n;
	for (size_t i = 0; i < n; i++) {
		pass->pieces[i].path = files[i];
		find_row(pass, &pass->pieces[i]);
	}
	if (!name_pieces(pass))
		return false;
	collect(pass);
	return keep_frames_settle(&pass->frames, pass->report->ledger);
}

int keep_pass(struct keep *keep, int spool_dir, const char *const *files, size_t n,
              const struct report *report)
{
	struct pass pass = {.keep = keep, .spool = spool_dir, .report = report};

	keep->error = 0;
	keep->trouble[0] = '\0';
	if (!keep_plan(&pass.plan, report, keep->options.around_ns)) {
		trouble(keep, "keeping packets", -ENOMEM);
		return keep->error;
	}
	if (prepare(&pass, files, n)) {
		make_room(keep);
		for (size_t i = 0; i < pass.n; i++)
			keep_piece(&pass, &pass.pieces[i]);
	} else {
		trouble(keep, "keeping packets", -ENOMEM);
	}
	release(&pass);
	return keep->error;
}
