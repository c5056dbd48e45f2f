/* SPDX-License-Identifier: MIT
 *
 * input_open.c - see input.h: a file opened, or what it is instead of a capture.
 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"

#define ROOM_FIRST 4

static enum source_failure refuse(const struct input *input, enum source_failure failure,
                                  const char *what, struct source_error *error)
{
	error->failure = failure;
	snprintf(error->message, sizeof(error->message), "%s: %s",
	         strcmp(input->path, "-") == 0 ? "standard input" : input->path, what);
	return failure;
}

static enum source_failure refuse_errno(const struct input *input, int code,
                                        struct source_error *error)
{
	char what[256];

	switch (code) {
	case EACCES:
	case EPERM:
		snprintf(what, sizeof(what), "%s; run as a user who may read it", strerror(code));
		return refuse(input, SOURCE_DENIED, what, error);
	case ENOMEM:
		return refuse(input, SOURCE_NO_MEMORY, "out of memory", error);
	case ENOENT:
		return refuse(input, SOURCE_NO_INPUT, "not found; check the path", error);
	}
	snprintf(what, sizeof(what), "cannot be read: %s", strerror(code));
	return refuse(input, SOURCE_NO_INPUT, what, error);
}

static bool looks_like_text(const uint8_t *bytes, size_t length)
{
	size_t n = length < 64 ? length : 64;

	for (size_t i = 0; i < n; i++)
		if (bytes[i] < 0x20 && bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\t')
			return false;
	return n > 0;
}

/* What it is instead of a capture. */
static const char *stranger(const uint8_t *bytes, size_t length)
{
	static const struct {
		const char *magic;
		size_t size;
		const char *what;
	} strangers[] = {
		{"PK\003\004", 4, "is a zip archive: unpack it and give the captures inside"},
		{"\x1f\x8b", 2, "is gzip inside gzip: unpack it once"},
		{"\xfd"
	         "7zXZ",
	         5, "is xz: unpack it first (xz -d)"},
		{"BZh", 3, "is bzip2: unpack it first (bunzip2)"},
		{"7z\xbc\xaf", 4, "is a 7z archive: unpack it first"},
		{"\x04\x22\x4d\x18", 4, "is lz4: unpack it first (lz4 -d)"},
		{"snoop\0\0", 7, "is a snoop capture: convert it with editcap -F pcap"},
		{"GMBU", 4, "is a Network Monitor capture: convert it with editcap -F pcap"},
		{"RTSS", 4, "is a Network Monitor capture: convert it with editcap -F pcap"},
		{"\x7f"
	         "ELF",
	         4, "is a program, not a capture"},
	};

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		if (length >= strangers[i].size &&
		    memcmp(bytes, strangers[i].magic, strangers[i].size) == 0)
			return strangers[i].what;
	if (looks_like_text(bytes, length))
		return "is a text, not a capture: write captures with tcpdump -w FILE";
	return "is not a pcap or pcapng capture (unknown first bytes at offset 0)";
}

static enum source_failure refuse_stranger(struct input *input, int result,
                                           struct source_error *error)
{
	const struct window *window = &input->window;
	const char *what = stranger(window->bytes, window->length);
	char packed[256];

	if (window->end == WINDOW_CORRUPT)
		what = "is damaged at offset 0: copy the file again";
	else if (window->length == 0 && window->end == WINDOW_WHOLE)
		what = "is empty (0 bytes): nothing was captured, or it was not flushed (tcpdump "
		       "-U)";
	else if (window->end == WINDOW_CUT || result == -2)
		what = "ends inside its file header at offset 0: copy the file again";
	if (!window->packing[0])
		return refuse(input, SOURCE_NOT_CAPTURE, what, error);
	snprintf(packed, sizeof(packed), "is %s, and what is inside %s", window->packing, what);
	return refuse(input, SOURCE_NOT_CAPTURE, packed, error);
}

static enum source_failure begin(struct input *input, struct source_error *error)
{
	struct window *window = &input->window;
	struct savefile_interface *interfaces = calloc(ROOM_FIRST, sizeof(*interfaces));
	int header;

	if (!interfaces)
		return refuse_errno(input, ENOMEM, error);
	do
		header = savefile_begin(&input->savefile, window->bytes, window->length, interfaces,
		                        ROOM_FIRST);
	while (header == -2 && window_more(window, 0, window->length + 1));
	if (header == -2 && window->length >= 4)
		return refuse_stranger(input, header, error);
	if (header < 0)
		return refuse_stranger(input, -1, error);
	input->position = (uint64_t)header;
	return SOURCE_FINE;
}

bool input_is_regular(const struct input *input)
{
	struct stat status;

	return strcmp(input->path, "-") != 0 && stat(input->path, &status) == 0 &&
	       S_ISREG(status.st_mode);
}

/* A file that its recorder completed since we saw its name has lost the ending. */
static int open_completed(const struct input *input)
{
	size_t whole = names_complete(input->path);
	char *path = input->path[whole] ? strndup(input->path, whole) : NULL;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;

	free(path);
	return fd;
}

static int open_path(struct input *input)
{
	struct stat status;
	int fd = STDIN_FILENO;

	input->row->growing = input->path[names_complete(input->path)] != '\0';
	if (strcmp(input->path, "-") != 0)
		fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && errno == ENOENT && input->row->growing) {
		fd = open_completed(input);
		input->row->growing = false;
		errno = ENOENT;
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		input->seekable = fd != STDIN_FILENO;
		input->disk_bytes = (uint64_t)status.st_size;
	}
	return fd;
}

static void start_anew(struct input *input)
{
	input->open = true;
	input->several = false;
	input->settled = 0;
	input->held = UINT64_MAX;
	input->number = 0;
	input->raw_ns = 0;
	input->thinned_wan = SAVEFILE_NO_WAN;
	input->row->wan = SAVEFILE_NO_WAN;
	recording_release(&input->recording);
	input->recording = (struct recording){0};
}

enum source_failure input_open(struct input *input, const struct input_env *env,
                               struct source_error *error)
{
	int fd = open_path(input);

	if (fd < 0)
		return refuse_errno(input, -fd, error);
	int result = window_open(&input->window, fd);
	if (result < 0)
		return refuse_errno(input, -result, error);
	start_anew(input);
	enum source_failure failure = begin(input, error);
	if (failure != SOURCE_FINE) {
		input_close(input);
		return failure;
	}
	input_advance(input, env);
	return SOURCE_FINE;
}

bool input_peek(const struct input *input, struct input *peek, struct frame_file *row,
                const struct input_env *env)
{
	struct source_error error;
	const struct window *window = &input->window;

	*peek = (struct input){
		.path = input->path,
		.base = input->base,
		.named = input->named,
		.aside = input->aside,
		.index = input->index,
		.clock_shift_ns = input->clock_shift_ns,
		.row = row,
		.peeking = true,
		.window = {.fd = -1, .packing = ""},
	};
	if (input->seekable)
		return input_open(peek, env, &error) == SOURCE_FINE && peek->has_head;
	if (!input->open || window->start > 0)
		return false;
	peek->window.bytes = window->bytes;
	peek->window.length = window->length;
	peek->window.end = WINDOW_WHOLE;
	start_anew(peek);
	return begin(peek, &error) == SOURCE_FINE && input_advance(peek, env);
}

void input_close(struct input *input)
{
	if (input->open)
		window_close(&input->window);
	free(input->savefile.interfaces);
	free(input->ties);
	free(input->links);
	recording_release(&input->recording);
	input->savefile.interfaces = NULL;
	input->ties = NULL;
	input->links = NULL;
	input->open = false;
}

void input_park(struct input *input)
{
	input_close(input);
	*input->row = (struct frame_file){
		.name = input->row->name,
		.wan = input->row->wan,
		.snaplen = input->row->snaplen,
	};
}

void input_release(struct input *input)
{
	input_close(input);
	free((char *)input->path);
	free(input->base);
}
