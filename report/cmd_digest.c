/* SPDX-License-Identifier: MIT
 *
 * cmd_digest.c - see cmd_digest.h.
 */
#include "cmd_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_sites.h"

#define BLOCK (256u << 10)

_Static_assert(LEDGER_SHA256 == SHA256_DIGEST_SIZE, "a digest fits");

const char digest_help[] =
	"  --sha256            say of each capture which file it was: its SHA-256, as sha256sum "
	"has it\n"
	"                      (reads each once more)\n";

static bool digest_of(int fd, uint8_t *block, uint8_t out[LEDGER_SHA256])
{
	struct sha256_ctx context;
	ssize_t got;

	sha256_init(&context);
	while ((got = read(fd, block, BLOCK)) > 0 || (got < 0 && errno == EINTR))
		if (got > 0)
			sha256_update(&context, (size_t)got, block);
	sha256_digest(&context, LEDGER_SHA256, out);
	return got == 0;
}

static bool digest_file(const struct frame_file *file, uint8_t *block, uint8_t out[LEDGER_SHA256])
{
	struct stat status;
	bool good;
	int fd;

	if (file->outside || file->growing || strcmp(file->name, "-") == 0)
		return false;
	fd = open(file->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	good = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       digest_of(fd, block, out);
	if (fd >= 0)
		close(fd);
	return good;
}

static void put(struct ledger *ledger, const char *name, const uint8_t sha256[LEDGER_SHA256])
{
	uint32_t file = ledger_find_file(ledger, name);

	if (file < LEDGER_FILES_MAX)
		ledger_file_digest(&ledger->files[file], sha256);
}

void digest_files(const struct intake *intake, const struct source *source, struct ledger *ledger)
{
	uint8_t *block = intake->digests ? malloc(BLOCK) : NULL, sha256[LEDGER_SHA256];
	size_t n = 0;
	const struct frame_file *files = source_files(source, &n);

	for (size_t i = 0; block && i < n; i++) {
		if (!digest_file(&files[i], block, sha256))
			continue;
		if (!intake->sites)
			put(ledger, files[i].name, sha256);
		for (size_t s = 0; intake->sites && s < intake->sites->n_ledgers; s++)
			put(intake->sites->ledgers[s], files[i].name, sha256);
	}
	free(block);
}
