/* SPDX-License-Identifier: MIT
 *
 * test_live.c - live captures and the keeper, on real devices.
 *
 * Each test runs in a child with a network namespace of its own (nothing to clean up, nothing of
 * the host to see); frames are made at one end of a veth pair and read at the other. Both backends
 * run the same tests. Without the right to make a namespace a test says "skip".
 */
#include "live_lab.h"

void suite_live(void);

/* ---- the tests ---- */

static uint64_t real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Each frame is there, in order, cut, with its length, direction and time. */
static void body_frames(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct opened o;
	struct live_counts counts;
	uint8_t bytes[CRAFT_ROOM];
	uint64_t before = real_ns(), last = 0;

	if (!open_live(lab, &request, &o))
		return;
	CHECK(lab, o.prepared.linktype == LINK_ETHERNET && o.prepared.backend == lab->backend);
	CHECK(lab, o.prepared.ifindex == if_nametoindex("va"));
	CHECK(lab, live_head(o.live) == NULL);
	int in = sender("vb"), out = sender("va");
	send_frames(in, 50, 700, 53, 0);
	for (unsigned i = 0; i < 100; i++) {
		const struct live_frame *frame = wait_head(o.live);
		if (!CHECK(lab, frame != NULL))
			break;
		if (i == 49)
			send_frames(out, 50, 60, 53, 50);
		make_frame(bytes, i < 50 ? 700 : 60, 53, i);
		CHECK(lab, frame == live_head(o.live));
		CHECK(lab, frame->caplen == (i < 50 ? 160 : 60));
		CHECK(lab, frame->wire_len == (i < 50 ? 700 : 60));
		CHECK(lab, memcmp(frame->data, bytes, frame->caplen) == 0);
		/* libpcap tells it by the address, and these are not our own */
		CHECK(lab,
		      lab->backend == LIVE_PCAP || frame->mark == (i < 50 ? MARK_IN : MARK_OUT));
		CHECK(lab, frame->segment_size == 0);
		CHECK(lab,
		      frame->ts_ns >= before && frame->ts_ns >= last && frame->ts_ns <= real_ns());
		last = frame->ts_ns;
		live_take(o.live);
	}
	CHECK(lab, live_head(o.live) == NULL);
	live_count(o.live, &counts);
	CHECK(lab, counts.received == 100 && counts.dropped == 0);
	CHECK(lab, live_trouble(o.live) == 0);
	live_close(o.live);
}

static void test_frames(void)
{
	both("frames", body_frames);
}

/* keep = 0: whole; keep = 96; a frame as large as the device carries. */
static void body_keep(struct lab *lab)
{
	static const uint32_t keeps[] = {0, 96, 2000};
	int in = sender("vb");

	for (size_t i = 0; i < 3; i++) {
		struct live_request request = request_for(lab, "va");
		struct opened o;

		request.keep = keeps[i];
		if (!open_live(lab, &request, &o))
			return;
		send_frames(in, 1, 1514, 53, 7);
		const struct live_frame *frame = wait_head(o.live);
		if (CHECK(lab, frame != NULL)) {
			CHECK(lab, frame->wire_len == 1514);
			CHECK(lab, frame->caplen == (keeps[i] == 96 ? 96 : 1514));
		}
		live_close(o.live);
	}
}

static void test_keep(void)
{
	both("keep", body_keep);
}

/* The kernel takes a tag off; it is there again, between the addresses and the type. */
static void body_vlan(struct lab *lab)
{
	static const struct {
		uint32_t tags[2];
		unsigned n;
	} rows[] = {{{0x81002007}, 1}, {{0x88a80064}, 1}, {{0x88a80064, 0x81000065}, 2}};
	struct live_request request = request_for(lab, "va");
	struct opened o;
	int in = sender("vb");

	if (!open_live(lab, &request, &o))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t plain[CRAFT_ROOM];
		struct craft c = {.len = 0};
		uint32_t n = make_frame(plain, 500, 53, 1);

		craft_bytes(&c, plain, 12);
		for (unsigned k = 0; k < rows[i].n; k++)
			craft_be(&c, rows[i].tags[k], 4);
		craft_bytes(&c, plain + 12, n - 12);
		CHECK(lab, send(in, c.bytes, c.len, 0) == (ssize_t)c.len);
		const struct live_frame *frame = wait_head(o.live);
		if (!CHECK(lab, frame != NULL))
			return;
		CHECK(lab, frame->wire_len == c.len);
		CHECK(lab, frame->caplen >= 160 && frame->caplen <= 164);
		CHECK(lab, memcmp(frame->data, c.bytes, frame->caplen) == 0);
		live_take(o.live);
	}
	live_close(o.live);
}

static void test_vlan(void)
{
	both("vlan", body_vlan);
}

/* More than a small ring holds, while nobody reads: what is not there was counted. */
static void body_drops(struct lab *lab)
{
	static const uint32_t keeps[] = {KEEP_HEADERS, 0};
	int in = sender("vb");

	for (size_t i = 0; i < 2; i++) {
		struct live_request request = request_for(lab, "va");
		struct live_counts counts;
		struct opened o;
		uint32_t offered = frames_of_device("va", true);
		unsigned n = 0;

		request.ring_bytes = 64 * 1024;
		request.keep = keeps[i];
		if (!open_live(lab, &request, &o))
			return;
		for (unsigned round = 0; round < 3; round++) {
			send_frames(in, 20000, 1000, 53, 0);
			n += read_all(o.live, &counts, n);
		}
		live_quiet(&o.prepared);
		n += read_all(o.live, &counts, n);
		offered = frames_of_device("va", true) - offered;
		CHECK(lab, counts.dropped > 0 && n > 0);
		CHECK(lab, counts.received == n + counts.dropped);
		CHECK(lab, offered == 60000 && offered == n + counts.dropped);
		live_close(o.live);
	}
}

static void test_drops(void)
{
	both("drops", body_drops);
}

/* A sender and a reader at full speed, a small ring. */
static void body_race(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_counts counts;
	struct opened o;
	uint64_t n = 0, end = now_ms() + 1500;
	int status;

	request.ring_bytes = 64 * 1024;
	if (!open_live(lab, &request, &o))
		return;
	pid_t child = fork();
	if (child == 0) {
		int in = sender("vb");
		while (now_ms() < end - 200)
			send_frames(in, 100, 200, 53, 0);
		_exit(0);
	}
	while (now_ms() < end) {
		struct pollfd fd = {.fd = live_fd(o.live), .events = POLLIN};
		poll(&fd, 1, 50);
		for (; live_head(o.live); n++)
			live_take(o.live);
	}
	waitpid(child, &status, 0);
	live_quiet(&o.prepared);
	live_count(o.live, &counts);
	const uint64_t patience = now_ms() + PATIENCE_MS;
	while (n + counts.dropped != counts.received && now_ms() < patience) {
		for (; live_head(o.live); n++)
			live_take(o.live);
		live_count(o.live, &counts);
	}
	CHECK(lab, n > 10000);
	CHECK(lab, counts.received == n + counts.dropped);
	CHECK(lab, frames_of_device("va", true) == counts.received);
	printf("live: %s: %llu read, %llu dropped of %u offered\n",
	       live_backend_names[lab->backend], (unsigned long long)n,
	       (unsigned long long)counts.dropped, frames_of_device("va", true));
	live_close(o.live);
}

static void test_race(void)
{
	both("race", body_race);
}

/* What came before is there, nothing that comes after. */
static void body_quiet(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_counts counts;
	struct opened o;
	int in = sender("vb");

	if (!open_live(lab, &request, &o))
		return;
	send_frames(in, 300, 100, 53, 0);
	live_quiet(&o.prepared);
	send_frames(in, 200, 100, 53, 0);
	CHECK(lab, read_frames(o.live, 300) == 300);
	nap();
	CHECK(lab, read_all(o.live, &counts, 300) == 0);
	CHECK(lab, counts.received == 300 && counts.dropped == 0);
	CHECK(lab, live_trouble(o.live) == 0);
	live_close(o.live);
}

static void test_quiet(void)
{
	both("quiet", body_quiet);
}

static bool comes_through(int in, struct live *live)
{
	const uint64_t end = now_ms() + PATIENCE_MS;

	do {
		send_frames(in, 1, 100, 53, 0);
		for (unsigned i = 0; i < 20 && !live_head(live); i++)
			nap();
	} while (!live_head(live) && now_ms() < end);
	return live_head(live) != NULL;
}

/* Set down: said, and nothing is lost; set up: frames come again on the same capture. */
static void body_down(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct opened o;
	int in = sender("vb");

	if (!open_live(lab, &request, &o))
		return;
	send_frames(in, 10, 100, 53, 0);
	CHECK(lab, run("ip link set va down"));
	CHECK(lab, read_frames(o.live, 10) == 10);
	CHECK(lab, wait_trouble(o.live, -ENETDOWN));
	CHECK(lab, live_trouble(o.live) == 0); /* said once */
	struct pollfd fd = {.fd = live_fd(o.live), .events = POLLIN};
	CHECK(lab, poll(&fd, 1, 100) == 0);
	CHECK(lab, run("ip link set va up"));
	CHECK(lab, comes_through(in, o.live)); /* the first may be lost: the other end wakes up */
	CHECK(lab, live_trouble(o.live) == 0);

	CHECK(lab, run("ip link del va"));
	CHECK(lab, wait_trouble(o.live, -ENODEV));
	CHECK(lab, live_trouble(o.live) == -ENODEV);
	live_close(o.live);
}

static void test_down(void)
{
	both("down", body_down);
}

/* Gone after having been down: the descriptor does not wake, but who asks is told. Its successor
 * of the same name is another device. */
static void body_gone(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct opened o, again;
	char message[256];

	CHECK(lab, run("ip link set va down"));
	if (lab->backend == LIVE_PCAP) { /* libpcap wants it up */
		CHECK(lab,
		      live_prepare(&request, &o.prepared, message, sizeof(message)) == -ENETDOWN);
		CHECK(lab, run("ip link set va up"));
	}
	if (!open_live(lab, &request, &o))
		return;
	CHECK(lab, run("ip link set va down"));
	CHECK(lab, wait_trouble(o.live, -ENETDOWN));
	CHECK(lab, run("ip link del va"));
	CHECK(lab, live_trouble(o.live) == -ENODEV);
	CHECK(lab, live_prepare(&request, &again.prepared, message, sizeof(message)) == -ENODEV);
	CHECK(lab, strstr(message, "va") != NULL);
	CHECK(lab, make_veth());
	if (open_live(lab, &request, &again)) {
		CHECK(lab, again.prepared.ifindex != o.prepared.ifindex);
		send_frames(sender("vb"), 5, 100, 53, 0);
		CHECK(lab, read_frames(again.live, 5) == 5);
		CHECK(lab, live_head(o.live) == NULL);
		live_close(again.live);
	}
	live_close(o.live);
}

static void test_gone(void)
{
	both("gone", body_gone);
}

/* A frame of another device, or without the filter, is never seen; the filter cannot be taken off,
 * and no new one put on. */
static void body_filter(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct opened o;
	struct live_counts counts;
	const int nothing = 0;
	int in = sender("vb"), out = sender("vb");

	snprintf(request.filter, sizeof(request.filter), "udp port 5353");
	pid_t child = fork();
	if (child == 0) { /* all the time, also while it is opened */
		int lo = sender("lo");
		for (uint64_t end = now_ms() + 700; now_ms() < end;) {
			send_frames(in, 20, 100, 53, 0);
			send_frames(lo, 20, 100, 5353, 0);
		}
		_exit(0);
	}
	nap();
	for (unsigned i = 0; i < 5; i++) {
		if (!open_live(lab, &request, &o))
			return;
		for (unsigned k = 0; k < 20; k++)
			nap();
		CHECK(lab, read_all(o.live, &counts, 0) == 0 && counts.received == 0);
		CHECK(lab, send_frames(out, 3, 100, 5353, 0) == 3);
		CHECK(lab, read_frames(o.live, 3) == 3);
		int packet = o.prepared.fds[o.prepared.n_fds - 1];
		CHECK(lab, setsockopt(packet, SOL_SOCKET, SO_DETACH_FILTER, &nothing,
		                      sizeof(nothing)) < 0 &&
		                   errno == EPERM);
		live_close(o.live);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_filter(void)
{
	both("filter", body_filter);
}

static void body_refusals(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_prepared prepared;
	char message[256] = "";

	snprintf(request.filter, sizeof(request.filter), "tcp prot 3");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	CHECK(lab, strstr(message, "syntax") != NULL);
	CHECK(lab, prepared.n_fds == 0);
	snprintf(request.filter, sizeof(request.filter), "not (vlan 5)");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	CHECK(lab, strstr(message, "VLAN") != NULL);
	snprintf(request.filter, sizeof(request.filter), "not ether host vlan.invalid");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	CHECK(lab, strstr(message, "VLAN") == NULL);
	memset(request.filter, 'a', sizeof(request.filter)); /* no end */
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	request = request_for(lab, "nothere");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -ENODEV);
	CHECK(lab, strstr(message, "nothere") != NULL);
	request = request_for(lab, "va");
	request.backend = 200;
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	request.backend = LIVE_BACKENDS; /* the first that can */
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == 0);
	CHECK(lab, prepared.backend == LIVE_RING);
	live_dispose(&prepared);
	CHECK(lab, setuid(65534) == 0);
	request = request_for(lab, "va");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EPERM);
	CHECK(lab, lab->backend == LIVE_PCAP || strstr(message, "CAP_NET_RAW") != NULL);
}

static void test_refusals(void)
{
	both("refusals", body_refusals);
}

/* Opened by root, read by nobody. */
static void body_unprivileged(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_prepared prepared;
	struct live_counts counts;
	char message[256];
	int in = sender("vb");

	if (!CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == 0))
		return;
	become_nobody(lab);
	struct live *live = live_attach(&prepared);
	if (!CHECK(lab, live != NULL))
		return;
	send_frames(in, 30, 100, 53, 0);
	CHECK(lab, read_frames(live, 30) == 30);
	live_count(live, &counts);
	CHECK(lab, counts.received == 30);
	live_quiet(&prepared);
	live_close(live);
}

static void test_unprivileged(void)
{
	both("unprivileged", body_unprivileged);
}

/* On loopback each frame comes once, and has no direction. */
static void body_loopback(struct lab *lab)
{
	struct live_request request = request_for(lab, "lo");
	struct live_counts counts;
	struct opened o;

	if (!open_live(lab, &request, &o))
		return;
	send_frames(sender("lo"), 20, 100, 53, 0);
	const struct live_frame *frame = wait_head(o.live);
	CHECK(lab, frame && frame->mark == MARK_NONE);
	CHECK(lab, read_frames(o.live, 20) == 20);
	CHECK(lab, read_all(o.live, &counts, 20) == 0 && counts.received == 20);
	live_close(o.live);
}

static void test_loopback(void)
{
	both("loopback", body_loopback);
}

/* A device without a link header: frames begin with IP. */
static void body_raw(struct lab *lab)
{
	struct live_request request = request_for(lab, "tun9");
	struct ifreq tun = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	uint8_t bytes[CRAFT_ROOM];
	struct opened o;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	uint32_t n = make_frame(bytes, 400, 53, 1) - 14;

	memcpy(tun.ifr_name, "tun9", 5);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &tun) || !run("ip link set tun9 up")) {
		printf("skip live/raw: no tun devices\n");
		return;
	}
	request.keep = 40;
	if (!open_live(lab, &request, &o))
		return;
	CHECK(lab, o.prepared.linktype == LINK_RAW);
	CHECK(lab, write(fd, bytes + 14, n) == (ssize_t)n);
	const struct live_frame *frame = wait_head(o.live);
	if (CHECK(lab, frame != NULL)) {
		CHECK(lab, frame->wire_len == n && frame->caplen == 40);
		CHECK(lab, memcmp(frame->data, bytes + 14, 40) == 0);
		CHECK(lab, lab->backend == LIVE_PCAP || frame->mark == MARK_IN);
	}
	live_close(o.live);
}

static void test_raw(void)
{
	both("raw", body_raw);
}

/* ---- super-frames: TCP through a veth pair whose other end is in another namespace ---- */

enum { TCP_BYTES = 4 << 20, TCP_PORT = 5001 };

static void sink(int ready, int go)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(TCP_PORT)};
	char byte, bytes[65536];
	int listener, peer;

	if (unshare(CLONE_NEWNET) || write(ready, "1", 1) != 1 || read(go, &byte, 1) != 1 ||
	    !run("ip addr add 192.0.2.2/24 dev vb && ip link set vb up"))
		_exit(1);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (const struct sockaddr *)&any, sizeof(any)) || listen(listener, 1) ||
	    write(ready, "2", 1) != 1)
		_exit(1);
	peer = accept(listener, NULL, NULL);
	while (read(peer, bytes, sizeof(bytes)) > 0)
		;
	_exit(0);
}

static bool send_stream(void)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	                               .sin_port = htons(TCP_PORT),
	                               .sin_addr.s_addr = htonl(0xc0000202)};
	static const char bytes[65536];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		return false;
	for (size_t sent = 0; sent < TCP_BYTES;) {
		ssize_t n = write(fd, bytes, sizeof(bytes));
		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	close(fd);
	return true;
}

/* Each frame longer than the MTU says of how many bytes its segments are; the payload that the
 * segments carry is the stream. The snap keeps no byte of it. */
static void body_super(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_counts counts;
	struct opened o;
	char command[128], byte;
	int ready[2], go[2];
	uint64_t payload = 0, supers = 0;

	if (pipe(ready) || pipe(go))
		return;
	pid_t child = fork();
	if (child == 0)
		sink(ready[1], go[0]);
	snprintf(command, sizeof(command),
	         "ip link set vb netns %d && ip addr add 192.0.2.1/24 dev va", (int)child);
	request.ring_bytes = 16 << 20;
	bool good = read(ready[0], &byte, 1) == 1 && run(command) && write(go[1], "1", 1) == 1 &&
	            read(ready[0], &byte, 1) == 1 && open_live(lab, &request, &o);
	if (!CHECK(lab, good))
		return;
	CHECK(lab, send_stream());
	waitpid(child, NULL, 0);
	live_quiet(&o.prepared);
	const struct live_frame *frame;
	const uint64_t end = now_ms() + PATIENCE_MS;
	uint64_t n = 0;
	do {
		for (; (frame = live_head(o.live)) != NULL; n++, live_take(o.live)) {
			/* an ARP frame may hold a 6 there, in a hardware address */
			if (frame->data[12] != 8 || frame->data[13] != 0 || frame->data[23] != 6)
				continue;
			CHECK(lab, frame->caplen == 34u + frame->data[46] / 16 * 4);
			if (frame->mark == MARK_OUT && frame->wire_len > frame->caplen)
				payload += frame->wire_len - frame->caplen;
			supers += frame->segment_size > 0;
			CHECK(lab, frame->segment_size == 0 || (frame->segment_size > 1000 &&
			                                        frame->segment_size <= 1460));
			CHECK(lab, lab->backend == LIVE_PCAP || frame->wire_len <= 1514 ||
			                   frame->segment_size > 0);
		}
		live_count(o.live, &counts);
	} while (n + counts.dropped < counts.received && now_ms() < end);
	CHECK(lab, counts.dropped == 0);
	CHECK(lab, payload == TCP_BYTES);
	CHECK(lab, lab->backend == LIVE_PCAP || supers > 10);
	live_close(o.live);
}

static void test_super(void)
{
	both("super-frames", body_super);
}

void suite_live(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"frames", test_frames},
		{"keep", test_keep},
		{"VLAN tags", test_vlan},
		{"drops are counted", test_drops},
		{"drops at full speed", test_race},
		{"quiet", test_quiet},
		{"down and up", test_down},
		{"gone and back", test_gone},
		{"filter", test_filter},
		{"refusals", test_refusals},
		{"read without privileges", test_unprivileged},
		{"loopback", test_loopback},
		{"no link header", test_raw},
		{"super-frames", test_super},
	};
	CU_pSuite suite = CU_add_suite("live", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
