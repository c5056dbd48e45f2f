/* SPDX-License-Identifier: MIT
 *
 * explain_texts.c - what each check means and what to do about it. Facts about OpenMPTCProuter are
 * those of its sources (feeds of 2025-05-22) and of its issues ("#N"); "mptcp#N" is
 * multipath-tcp/mptcp_net-next, "measured" is Linux 6.18 in network namespaces.
 */
#include "explain.h"

const char *const explain_roles[LANGUAGE_COUNT] = {
	"LuCI: Network > MPTCP > Settings > Interfaces Settings > \"Multipath TCP\", or System > "
	"OpenMPTCProuter > Settings Wizard. The choices read master, enabled, backup, disabled; "
	"master is \xe4\xb8\xbb in Chinese, prim\xc3\xa4r in German, ma\xc3\xaetre in French, "
	"\xd0\xbc\xd0\xb0\xd1\x81\xd1\x82\xd0\xb5\xd1\x80 in Russian. \"AP\" is none of them: it "
	"is "
	"most likely LuCI's word for the Wi-Fi mode Master.",
	"LuCI：网络 > MPTCP > Settings > Interfaces Settings > “Multipath TCP”，或 系统 > "
	"OpenMPTCProuter > Settings Wizard（设置向导）。选项为 master、enabled、backup、disabled；"
	"master 在中文界面显示为“主”，德语 primär，法语 maître，俄语 мастер。"
	"“AP”不是其中之一：它很可能来自 LuCI 的 Wi-Fi 模式 Master。",
};

const struct explain_row explain_rows[] = {
	{"A1",
         "fail, warn, pass, not assessed",
         "give the WAN the role backup, then restart its connections",
         "uci set network.wan2.multipath='backup'\n"
         "uci commit network\n"
         "/etc/init.d/mptcp restart",
         true,
         {{"A backup is there to be ready, and what it carries is billed by the byte. Two shares "
           "are told apart: user payload, which must be next to nothing, and standby, which is "
           "what readiness costs and grows with the number of connections.",
           "Give the WAN the role backup. If its joins carry the backup flag already (A6), the "
           "scheduler ignores it: choose \"default\" (A5). If the payload is plain TCP, see A21 "
           "and A23. A standby share alone is no fault: see A16.",
           "Record an hour and audit again: the payload share is 0.00 %.", "#3270, #1615, #3252"},
          {"备用线路只应待命，它传输的每个字节都要计费。报告区分两种占比：用户数据，应接近于零；待"
           "命开销，即保持就绪的代价，随连接数增长。",
           "将该 WAN 的角色设为 backup。如果它的 MP_JOIN "
           "已带备份标志（A6），说明调度器忽略了它：改用 default（A5）。如果用户数据是普通 TCP，见 "
           "A21 和 A23。仅待命占比偏高不是故障：见 A16。",
           "再抓包一小时并重新审计：用户数据占比为 0.00 %。", "#3270, #1615, #3252"}}},
	{"A2",
         "fail, warn, pass, not assessed",
         "find the largest cause under \"What used\", repair that one",
         NULL,
         false,
         {{"A mobile plan ends at a number of bytes, not at a share: on a quiet day a healthy "
           "backup can have a large share of little. A clean backup takes 11 to 16 MB a day before "
           "the signalling of connections.",
           "The list \"What used\" of the report names the causes; repair the largest. The plan "
           "itself is told with --limit plan_bytes_per_day=..., or in the configuration.",
           "Compare the day's bytes before and after.",
           "#1615, #2100; known figures: 11 to 16 MB a day for a quiet backup"},
          {"流量套餐到某个字节数就用完，而不是按比例：清闲的一天里，正常的备用线路可能占比很大，而"
           "总量很小。没有异常的备用线路每天用 11 到 16 MB，连接的信令另计。",
           "报告中的“用在了哪里”列表给出原因；先处理最大的一项。套餐本身用 --limit "
           "plan_bytes_per_day=... 或在配置文件中说明。",
           "比较处理前后每天的字节数。",
           "#1615, #2100；已知数字：清闲的备用线路每天 11 到 16 MB"}}},
	{"A3",
         "fail, warn, pass, not assessed, not applicable",
         "role backup, scheduler default; on a bad primary repair the primary",
         "uci set network.wan2.multipath='backup'\n"
         "uci set network.globals.mptcp_scheduler='default'\n"
         "uci commit network\n"
         "/etc/init.d/mptcp restart",
         true,
         {{"New data on a backup beside a healthy primary means that the role is ignored, or that "
           "traffic did not return after an outage.",
           "Give the WAN the role backup and the scheduler \"default\"; the server's scheduler "
           "rules the download. Long "
           "after an outage see A12. When the report blames the primary, no setting repairs this: "
           "its loss does.",
           "The phase \"healthy\" of the backup shows 0 B.",
           "#3270; measured: 0 bytes at 2-3 % loss, 8 % of all bytes at 15 %"},
          {"主线路正常而备用线路传输新数据，说明角色被忽略，或者中断之后流量没有回来。",
           "角色设为 "
           "backup，调度器设为“default”；下行由服务器的调度器决定。如果发生在中断之后很久，见 "
           "A12。如果报告指出是主线路质量差，没有设置可以解决：原因是它丢包。",
           "备用线路在“主线路正常时”的用户数据为 0 B。",
           "#3270；实测：丢包 2-3 % 时 0 字节，丢包 15 % 时占全部字节的 8 %"}}},
	{"A4",
         "warn, pass, not assessed",
         NULL,
         NULL,
         false,
         {{"Data that the primary had carried and that is sent again over the backup (reinjection) "
           "means that the primary loses packets or stalls.",
           "No setting fixes this: repair the primary (cable, Wi-Fi, line quality, bufferbloat: "
           "SQM helps).",
           "Reinjection on the backup falls below 1 % outside of outages.", "mptcp#191, mptcp#177"},
          {"主线路已经发送过的数据又经备用线路重发（重注入），说明主线路丢包或停滞。",
           "没有设置可以解决：请修复主线路（线缆、Wi-Fi、线路质量、缓冲膨胀：SQM 有帮助）。",
           "除中断期间外，备用线路上的重注入低于 1 %。", "mptcp#191, mptcp#177"}}},
	{"A5",
         "fail, warn, pass, not assessed",
         "choose a scheduler that is not redundant: default",
         "uci set network.globals.mptcp_scheduler='default'\n"
         "uci commit network\n"
         "/etc/init.d/mptcp restart",
         false,
         {{"A redundant scheduler sends every byte on several WANs. On Linux 5.4 it spares "
           "backups; bpf_red, bpf_rr, bpf_first and bpf_minrtt of 6.6 and later ignore the backup "
           "flag.",
           "Choose the scheduler \"default\" (or bpf_burst, bpf_bkup) on the router, and on the "
           "server for the download. LuCI: Network > MPTCP > Settings > \"Multipath TCP "
           "scheduler\".",
           "The kind \"redundant\" of the backup is gone; sysctl net.mptcp.scheduler tells the one "
           "in use.",
           "#3252, #4229, #3769; measured: 50-620 kB of overlap at a switch"},
          {"冗余调度器把每个字节发到多条线路。在 Linux 5.4 上它会避开备用线路；6.6 及以后的 "
           "bpf_red、bpf_rr、bpf_first 和 bpf_minrtt 忽略备份标志。",
           "在路由器上选择调度器“default”（或 "
           "bpf_burst、bpf_bkup），下行则在服务器上设置。LuCI：网络 > MPTCP > Settings > "
           "“Multipath TCP scheduler”。",
           "备用线路不再有“冗余副本”；用 sysctl net.mptcp.scheduler 查看正在使用的调度器。",
           "#3252, #4229, #3769；实测：切换时重叠 50-620 kB"}}},
	{"A6",
         "fail, warn, pass, not assessed, not applicable",
         "set the role the WAN should have and apply it",
         "uci set network.wan1.multipath='master'\n"
         "uci set network.wan2.multipath='backup'\n"
         "uci commit network\n"
         "/etc/init.d/mptcp restart",
         true,
         {{"The kernel acts on the backup flag of joins and on MP_PRIO, not on what was meant. "
           "Only one WAN may be master; OpenMPTCProuter turns further ones into \"enabled\".",
           "Set each WAN's role and apply it. A role changed at run time reaches running "
           "connections as MP_PRIO.",
           "ip mptcp endpoint: the backup's line says \"subflow backup fullmesh\".",
           "#948, #4229, #3551"},
          {"内核只看 MP_JOIN 的备份标志和 MP_PRIO，而不看本来的意图。只能有一条 WAN 是 "
           "master；多余的会被 OpenMPTCProuter 改为“enabled”。",
           "设置每条 WAN 的角色并应用。运行中更改的角色以 MP_PRIO 通知现有连接。",
           "ip mptcp endpoint：备用线路那一行显示“subflow backup fullmesh”。",
           "#948, #4229, #3551"}}},
	{"A7",
         "fail, warn, pass, not assessed, not applicable",
         "bring both ends to kernels with the backup fix: 6.6.45, 6.10.4, 6.11 or later",
         NULL,
         false,
         {{"Before Linux 6.11 (6.6.45, 6.10.4) the answer to a join mirrored the backup flag by "
           "accident. An old router with a new server therefore uses a backup for its uplink. B=0 "
           "in the answer alone is normal.",
           "Run kernels on the same side of the fix at both ends: update the router. No UCI "
           "setting fixes this.",
           "No payload from the router on the backup while the primary lives.",
           "mptcp#553; Linux b6a66e521a20"},
          {"在 Linux 6.11（6.6.45、6.10.4）之前，对 MP_JOIN "
           "的应答会意外复制备份标志。因此旧路由器配新服务器时，会用备用线路传上行。仅仅应答中 B=0 "
           "属于正常。",
           "两端都使用修复之前或都使用修复之后的内核：请升级路由器。没有 UCI 设置可以解决。",
           "主线路可用时，备用线路上没有来自路由器的用户数据。", "mptcp#553; Linux b6a66e521a20"}}},
	{"A8",
         "fail, warn, pass, not assessed, not applicable",
         "make the primary the master: it opens the connections",
         "uci set network.wan1.multipath='master'\n"
         "uci commit network\n"
         "/etc/init.d/network reload",
         true,
         {{"The first subflow follows the route, and MP_CAPABLE has no backup flag. Without "
           "MP_PRIO afterwards such a connection lives on the backup.",
           "Make the primary the master and keep its route: the backup's has metric 999, so "
           "connections open there only while the primary's is missing. Check omr-tracker's log "
           "(logread -e tracker).",
           "ip route get SERVER names the master's device.",
           "mptcp#285; routing metric 999; measured"},
          {"首个子流按路由走，而 MP_CAPABLE 没有备份标志。之后若没有 "
           "MP_PRIO，这样的连接会一直留在备用线路上。",
           "将主线路设为 master 并保住它的路由：备用线路的路由度量为 "
           "999，只有缺少主线路的路由时，连接才"
           "从那里建立。检查 omr-tracker 的日志（logread -e tracker）。",
           "ip route get 服务器地址：显示主线路的设备。", "mptcp#285；路由度量 999；实测"}}},
	{"A9",
         "fail, warn, pass, not assessed, not applicable",
         "update OpenMPTCProuter to 0.62 or later; raise mptcp_subflows above 8",
         "uci set network.globals.mptcp_subflows='16'\n"
         "uci set network.globals.mptcp_add_addr_accepted='16'\n"
         "uci commit network\n"
         "/etc/init.d/mptcp restart",
         false,
         {{"A backup without a subflow cannot take over a running connection. Up to v0.61 on Linux "
           "6.x the backup endpoint lacked the flag \"subflow\": not one packet went over it. "
           "Cheap is then broken.",
           "Update the router; with more than eight WANs and addresses raise the limits; else NAT "
           "or the carrier strips joins (A23).",
           "ss -M, or joins on the backup in a capture: one for each connection.",
           "#3767; feeds 4a603485"},
          {"没有子流的备用线路无法接管正在进行的连接。在 Linux 6.x 上，v0.61 "
           "及以前的备用端点缺少“subflow”标志：备用线路上一个包也没有。那样的省流量其实是坏了。",
           "升级路由器；WAN 和地址超过八个时提高上限；否则是 NAT 或运营商剥离了 MP_JOIN（A23）。",
           "ss -M，或抓包中备用线路上的 MP_JOIN：每个连接一个。", "#3767; feeds 4a603485"}}},
	{"A10",
         "fail, warn, pass, not assessed, not applicable",
         "lower mptcp_stale_loss_cnt; make sure a standby subflow exists (A9)",
         "uci set network.globals.mptcp_stale_loss_cnt='2'\n"
         "uci commit network\n"
         "/etc/init.d/mptcp restart",
         false,
         {{"From the primary's last progress to the first new data on the backup. With a standby "
           "subflow the kernel needs 0.2 to 0.4 s; users tell of 2 to 60 s.",
           "Make sure that the standby exists (A9). A lower stale_loss_cnt (OpenMPTCProuter: 4) "
           "switches sooner, and on a lossy primary too soon.",
           "Pull the primary's cable during a download while recording; audit it.",
           "#4254; Linux ff5a0b421cb2; measured: 0.2 to 0.4 s"},
          {"从主线路最后一次进展到备用线路的第一个新数据。有待命子流时内核需要 0.2 到 0.4 "
           "秒；用户报告的是 2 到 60 秒。",
           "确认待命子流存在（A9）。降低 "
           "stale_loss_cnt（OpenMPTCProuter：4）切换更快，但主线路丢包时会切换得过早。",
           "下载时拔掉主线路的网线并抓包；然后审计。",
           "#4254；Linux ff5a0b421cb2；实测：0.2 到 0.4 秒"}}},
	{"A11",
         "fail, warn, pass, not assessed, not applicable",
         "shorten omr-tracker's interval and tries",
         "uci set omr-tracker.defaults.interval='1'\n"
         "uci set omr-tracker.defaults.tries='2'\n"
         "uci commit omr-tracker\n"
         "/etc/init.d/omr-tracker restart",
         false,
         {{"A new connection follows the route, and the route moves when omr-tracker has given the "
           "primary up: after about 21 s with its defaults.",
           "Fewer tries and a shorter interval find it sooner and cost more pings on each WAN "
           "(A17).",
           "The first answered MP_CAPABLE elsewhere comes within 10 s of the first lost one.",
           "omr-tracker's script: 3 x (2+2+2+1) s, about 21 s"},
          {"新连接按路由走，而路由要等 omr-tracker 放弃主线路之后才改变：默认设置下约 21 秒。",
           "减少尝试次数、缩短间隔可以更早发现，代价是每条 WAN 上更多的 ping（A17）。",
           "从第一个丢失的 MP_CAPABLE 起，10 秒内在别处有第一个得到应答的。",
           "omr-tracker 的脚本：3 x (2+2+2+1) 秒，约 21 秒"}}},
	{"A12",
         "fail, warn, pass, not assessed, not applicable",
         NULL,
         NULL,
         false,
         {{"How long new data stays on the backup after the primary answers again. The stale "
           "subflow is tried by its retransmission timer, which doubles: after a long outage that "
           "takes as long again. This, not the failover, is the bill.",
           "Restarting the connections (the proxy on the router) ends it at once. "
           "No setting fixes this: the kernel waits for the primary subflow's next retransmission.",
           "The last new data on the backup comes within 30 s of the primary's first answer.",
           "#1401, #4197, #4199; measured: 45 s after an outage of 60 s"},
          {"主线路恢复应答之后，新数据还留在备用线路上多久。失效的子流由它的重传定时器试探，间隔每"
           "次加倍：长时间中断之后，还要再等同样长。账单来自这里，而不是切换。",
           "重启连接（路由器上的代理）可以立即结束。没有设置可以解决：内核要等主线路子流的下一次重"
           "传。",
           "主线路第一次应答后 30 秒内，备用线路上出现最后的新数据。",
           "#1401, #4197, #4199；实测：中断 60 秒之后为 45 秒"}}},
	{"A13",
         "fail, warn, pass, not assessed, not applicable",
         NULL,
         NULL,
         false,
         {{"After a failback a connection may be silent on every WAN although data waits: the data "
           "is bound to a subflow that waits for its own timer. People see a page or a call that "
           "hangs right after the line came back.",
           "No setting fixes this: it is the kernel's. Shorter outages stall for less; newer "
           "kernels on both ends may do better.",
           "Repeat the outage while recording: no connection is silent for more than 2 s with data "
           "waiting.",
           "multipath-tcp/mptcp#521, #974, #1271; measured: 3.3 to 26.6 s"},
          {"回切之后，即使有数据等待，连接也可能在每条 WAN "
           "上静默：数据绑定在一个等待自己定时器的子流上。用户看到的是线路刚恢复时网页或通话卡住。",
           "没有设置可以解决：这是内核的行为。中断越短，停滞越短；两端换用更新的内核可能改善。",
           "抓包时重复中断：有数据等待时，没有连接静默超过 2 秒。",
           "multipath-tcp/mptcp#521, #974, #1271；实测：3.3 到 26.6 秒"}}},
	{"A14",
         "fail, warn, pass, not assessed, not applicable",
         "let keepalives run: shorter than the NAT's timeout",
         NULL,
         false,
         {{"A subflow that is idle for longer than a NAT remembers it is dead, and nobody knows "
           "until it is needed.",
           "Keepalives every 15 to 120 s hold it open (shadowsocks-rust has 15 s). They reach all "
           "subflows from Linux 6.10 on (stable 6.6, 6.9); before that no setting fixes this.",
           "Keepalives on the backup are answered, and no RST comes at its first use.",
           "mptcp#616, #501; Linux bd11dc4fb969"},
          {"子流闲置的时间超过 NAT 的记忆就失效了，要用到时才有人发现。",
           "每 15 到 120 秒一次的保活使它保持打开（shadowsocks-rust 为 15 秒）。从 Linux 6.10 "
           "起（稳定版 6.6、6.9）保活才到达所有子流；在那之前没有设置可以解决。",
           "备用线路上的保活有应答，首次使用时没有 RST。", "mptcp#616, #501; Linux bd11dc4fb969"}}},
	{"A15",
         "warn, pass, not assessed, not applicable",
         "lengthen the keepalive interval of the proxy or VPN",
         NULL,
         false,
         {{"Each idle subflow is kept alive on every backup, also while its connection is busy on "
           "the primary: 128 bytes each interval, 256 when both ends do it. 40 subflows every 15 s "
           "are 1.2 MB an hour. Growing numbers mean connections nobody closes.",
           "Lengthen the proxy's keepalive (shadowsocks-rust 15 s, glorytun 20, shadowsocks-libev "
           "40, xray 45) up to what the NAT bears; close idle connections at the server.",
           "The rhythm in \"What used\", and its bytes.",
           "#4286; measured: 128 bytes for a probe and its answer"},
          {"每条空闲子流都在每条备用线路上保活，即使它的连接正忙于主线路：每个间隔 128 "
           "字节，两端都做则为 256 字节。40 条子流每 15 秒一次，每小时就是 1.2 "
           "MB。数量不断增长，说明有连接没有人关闭。",
           "在 NAT 能承受的范围内加长代理的保活间隔（shadowsocks-rust 15 秒、glorytun "
           "20、shadowsocks-libev 40、xray 45）；在服务器上关闭空闲的连接。",
           "“用在了哪里”中的节奏和字节数。", "#4286；实测：一次探测及其应答 128 字节"}}},
	{"A16",
         "warn, pass, not assessed, not applicable",
         NULL,
         NULL,
         false,
         {{"One connection costs a join and a close on every backup: 836 bytes on Linux 6.18 "
           "without any payload. 1 % is met only if connections move 84 kB on the primary on "
           "average, so many short ones are no fault of the role.",
           "No setting fixes this. Fewer and longer connections do: a proxy that multiplexes, a "
           "VPN over one connection, or fewer backups with a role.",
           "Bytes per connection stay near 836; the share falls with their size.",
           "measured: 836 bytes per connection and backup on 6.18"},
          {"一个连接在每条备用线路上都要建立和关闭一次：在 Linux 6.18 上是 836 "
           "字节，没有任何用户数据。平均每个连接在主线路上传输 84 kB 才能做到 1 "
           "%，所以短连接多不是角色的错。",
           "没有设置可以解决。减少连接、延长连接可以：多路复用的代理、单连接的 "
           "VPN，或者减少带角色的备用线路。",
           "每个连接的字节数保持在 836 左右；占比随连接变大而下降。",
           "实测：6.18 上每个连接、每条备用线路 836 字节"}}},
	{"A17",
         "fail, warn, pass, not assessed, not applicable",
         "lengthen omr-tracker's interval on the backup; server_http_test off",
         "uci set omr-tracker.wan2=interface\n"
         "uci set omr-tracker.wan2.interval='30'\n"
         "uci set omr-tracker.defaults.server_http_test='0'\n"
         "uci commit omr-tracker\n"
         "/etc/init.d/omr-tracker restart",
         false,
         {{"omr-tracker pings the server (TOS 0xB8) on every WAN for ever: 4.8 to 6.5 MB a day on "
           "a backup with its old defaults. With server_http_test it is a TLS connection each "
           "time: 140 MB a day.",
           "Lengthen the interval of the backup, switch server_http_test off. A slower tracker "
           "finds a dead backup later.",
           "Bytes an hour of \"tracker pings\", and their rhythm.", "omr-tracker's script; #4355"},
          {"omr-tracker 在每条 WAN 上不停地 ping 服务器（TOS "
           "0xB8）：按它旧的默认值，备用线路上每天 4.8 到 6.5 MB。开启 server_http_test "
           "则每次都是一个 TLS 连接：每天 140 MB。",
           "加长备用线路的间隔，关闭 server_http_test。间隔越长，发现备用线路失效就越晚。",
           "“omr-tracker 的 ping”每小时的字节数，以及它的节奏。", "omr-tracker 的脚本；#4355"}}},
	{"A18",
         "pass, not assessed, not applicable",
         "lengthen the interval of the proxy's section in omr-tracker",
         "uci show omr-tracker | grep interval\n"
         "uci set omr-tracker.shadowsocks.interval='30'\n"
         "uci commit omr-tracker\n"
         "/etc/init.d/omr-tracker restart",
         false,
         {{"The router fetches a page through its proxy every 10 s. Each time is a connection of "
           "MPTCP, with a join and a close on every backup: up to 7.2 MB a day each.",
           "Lengthen the interval of the proxy's section in omr-tracker (put it in the place of "
           "shadowsocks below). A dead proxy is then noticed later.",
           "The cause \"proxy health check\" tells its interval and its bytes.",
           "omr-tracker's configuration: shadowsocks.interval 10"},
          {"路由器每 10 秒经自己的代理取一次网页。每次都是一个 MPTCP "
           "连接，在每条备用线路上建立和关闭一次子流：每条每天最多 7.2 MB。",
           "加长 omr-tracker 中代理一节的间隔（下面的 shadowsocks "
           "请换成你的代理那一节）。这样代理失效会更晚被发现。",
           "“代理的健康检查”这一原因给出它的间隔和字节数。",
           "omr-tracker 的配置：shadowsocks.interval 10"}}},
	{"A19",
         "warn, pass, not assessed",
         "do not start speed tests on a backup; testspeed off",
         "uci set openmptcprouter.wan2.testspeed='0'\n"
         "uci commit openmptcprouter",
         false,
         {{"A speed test over a backup uses up the plan that it measures: 100 MB to 1 GB each.",
           "Switch the automatic test of the backup off; do not press its button.",
           "Nothing on ports 65400 and 65500 beyond some kB an hour.", "#3210"},
          {"在备用线路上测速会用掉它所测量的套餐：每次 100 MB 到 1 GB。",
           "关闭备用线路的自动测速；不要按它的测速按钮。",
           "端口 65400 和 65500 上每小时不超过几 kB。", "#3210"}}},
	{"A20",
         "fail, pass, not assessed",
         "correct the server's address, port, user and key on the router",
         "uci show openmptcprouter | grep -E 'ip|port|username'",
         false,
         {{"A router that cannot log in at its server's API (port 65500) tries for ever, each time "
           "with a TLS handshake of some kB, over any WAN. Going back and forth between two server "
           "addresses is the same fault.",
           "Correct address, port, user and key under System > OpenMPTCProuter > Settings Wizard > "
           "Server settings; name only servers that exist.",
           "logread shows no repeated API errors; fewer than 30 connections an hour.", "#3210"},
          {"路由器登录不了服务器的 API（端口 65500）就会不停重试，每次都有几 kB 的 TLS "
           "握手，可能走任何一条 WAN。在两个服务器地址之间来回切换是同一个故障。",
           "在 系统 > OpenMPTCProuter > Settings Wizard（设置向导）> 服务器设定 "
           "中改正地址、端口、用户和密钥；只填写存在的服务器。",
           "logread 中没有反复出现的 API 错误；每小时少于 30 个连接。", "#3210"}}},
	{"A21",
         "fail, warn, pass, not assessed",
         "find who sends it: a bypass rule, direct output, IPv6 past the tunnel",
         "uci show omr-bypass\n"
         "uci set openmptcprouter.settings.disable_ipv6='1'\n"
         "uci commit openmptcprouter",
         false,
         {{"What does not go to the VPS is neither bonded nor hidden, and no MPTCP role keeps it "
           "off the backup: bypass rules, the router's own fetches, IPv6 that leaves beside the "
           "tunnel.",
           "Look for the host and service that the finding names: bypass rules that name this WAN, "
           "\"direct output\", IPv6.",
           "Less than 100 kB a day with hosts other than the VPS.", "#3427, #4313; omr-bypass"},
          {"不发往 VPS 的流量既不聚合也不隐藏，MPTCP "
           "的角色也不能让它避开备用线路：绕行规则（omr-bypass）、路由器自己的下载、不走隧道的 "
           "IPv6。",
           "按检查结果给出的主机和服务查找：指明这条 WAN 的绕行规则、“direct output”、IPv6。",
           "与 VPS 以外主机的流量每天少于 100 kB。", "#3427, #4313; omr-bypass"}}},
	{"A22",
         "fail, warn, pass, not assessed",
         "use a VPN over MPTCP, or take the backup out of the VPN",
         "uci set openmptcprouter.settings.vpn='openvpn'\n"
         "uci set network.wan2.multipath='off'\n"
         "uci commit",
         false,
         {{"MLVPN, UBOND and bonded OpenVPN use every WAN whose role is not off and know no "
           "backup; glorytun-udp only prefers others. UDP has no subflows that could stand by.",
           "Choose a VPN that runs over MPTCP (openvpn or glorytun over TCP). A WAN that must not "
           "carry MLVPN needs the role off, which takes MPTCP off it, too.",
           "No large packets of UDP with the VPS on the backup.", "#948"},
          {"MLVPN、UBOND 和聚合的 OpenVPN 使用所有角色不为 off 的 "
           "WAN，不懂什么是备用；glorytun-udp 只是优先使用其他线路。UDP 没有可以待命的子流。",
           "选择运行在 MPTCP 之上的 VPN（openvpn，或 TCP 方式的 glorytun）。不许走 MLVPN 的 WAN "
           "角色必须设为 off，MPTCP 也就不再使用它。",
           "备用线路上没有与 VPS 之间的大 UDP 包。", "#948"}}},
	{"A23",
         "fail, warn, pass, not applicable",
         "same MPTCP version at both ends; another carrier or MPTCP over VPN",
         "uci set openmptcprouter.wan2.multipathvpn='1'\n"
         "uci commit openmptcprouter",
         false,
         {{"A connection whose MPTCP is lost runs as plain TCP on one WAN: no bonding, no "
           "failover. Either a box on the way removes the options, or both ends speak different "
           "versions (5.4: version 0; 5.15 and later: version 1).",
           "Bring both ends to the same version. If one WAN alone strips, run MPTCP over VPN "
           "there, or change the APN or carrier.",
           "Fewer than 5 % of handshakes of each WAN lose MPTCP.", "#3238, #540; measured"},
          {"失去 MPTCP 的连接以普通 TCP 留在一条 WAN "
           "上：没有聚合，不能切换。要么途中有设备删除了选项，要么两端的版本不同（5.4：版本 "
           "0；5.15 及以后：版本 1）。",
           "两端使用同一版本。如果只有一条 WAN 剥离，请在它上面使用 MPTCP over VPN，或者更换 APN "
           "或运营商。",
           "每条 WAN 上失去 MPTCP 的握手少于 5 %。", "#3238, #540；实测"}}},
	{"A24",
         "pass, not applicable",
         NULL,
         NULL,
         false,
         {{"ARP, DHCP, neighbour discovery and pings of a modem that is a router itself never "
           "leave the access link: the carrier does not see them, and they are in no share.",
           "Nothing to repair: it tells what was left out.",
           "Billed and local bytes add up to what the interface counted.",
           "packet types and private networks"},
          {"ARP、DHCP、邻居发现，以及对自身就是路由器的调制解调器的 "
           "ping，从不离开接入链路：运营商看不到，也不计入任何占比。",
           "无需修复：这里只说明哪些没有计入。", "计费与本地的字节数之和等于接口的计数。",
           "报文类型和私有网段"}}},
	{"A25",
         "warn, pass, not assessed",
         NULL,
         NULL,
         false,
         {{"A primary that goes away several times a day sends its traffic over the backup each "
           "time, and for some time after. Outages are found where data waits without an answer, "
           "where pings, DNS queries or new connections do (hosts that never answer do not count), "
           "and by the recorder's marks of a device that was absent or down.",
           "No setting fixes this: repair the primary. More tries of the tracker before it gives a "
           "WAN up, or back, damp flapping.",
           "Fewer than four outages a day.", "#4355"},
          {"主线路一天断开几次，流量每次都会走备用线路，并在恢复之后再持续一段时间。中断是这样发现"
           "的：数据等不到应答；ping、DNS "
           "查询或新连接等不到应答（从不应答的主机不算）；以及录制程序记下的设备不存在或断开。",
           "没有设置可以解决：请修复主线路。让 omr-tracker 在判定 WAN "
           "断开或恢复之前多试几次，可以抑制抖动。",
           "每天少于四次中断。", "#4355"}}},
	{"A26",
         "fail, warn, pass, not assessed",
         "repair the largest cause, or take a larger plan",
         NULL,
         false,
         {{"A plan that ends before its month costs more, or ends the backup.",
           "Repair the largest cause under \"What used\". The plan and its billing day are told in "
           "the configuration.",
           "The projection stays below 80 % of the plan.", "#1674, #1660"},
          {"套餐提前用完要多花钱，或者备用线路就此失效。",
           "先处理“用在了哪里”中最大的原因。套餐和它的计费日在配置文件中说明。",
           "预测低于套餐的 80 %。", "#1674, #1660"}}},
	{"A27",
         "warn, pass, not assessed",
         "record with mptcp-captured, or with a larger buffer (tcpdump -B)",
         NULL,
         false,
         {{"What was not captured cannot be judged: dropped frames, cut headers, clocks that "
           "differ, gaps. Such a capture proves a fault, never health.",
           "Record with mptcp-captured; with tcpdump use -s 160 or more, a larger -B, and one "
           "device per WAN. The router's load is the usual reason for drops.",
           "Coverage says whole.", "libpcap; the kernel's own counters"},
          {"没有抓到的无法评判：丢失的帧、截断的头部、不一致的时钟、空缺。这样的抓包能证明故障，不"
           "能证明正常。",
           "用 mptcp-captured 录制；用 tcpdump 时加 -s 160 或更大，加大 -B，每条 WAN "
           "一个设备。丢帧通常是因为路由器负载高。",
           "覆盖范围显示抓包完整。", "libpcap；内核自己的计数器"}}},
	{"A28",
         "warn, pass, not assessed, not applicable",
         "switch MPTCP of the LAN and of omrvpn off",
         "uci set network.lan.multipath='off'\n"
         "uci set network.omrvpn.multipath='off'\n"
         "uci commit network\n"
         "/etc/init.d/mptcp restart",
         true,
         {{"An interface of the LAN or the VPN with a role makes the kernel open subflows that "
           "lead nowhere, or MPTCP inside MPTCP.",
           "Only WANs have roles: set lan, omrvpn and omr6in4 to off.",
           "ip mptcp endpoint lists WANs only.", "#506"},
          {"LAN 或 VPN 的接口有了角色，内核就会打开哪里也到不了的子流，或者在 MPTCP 里再套 MPTCP。",
           "只有 WAN 才有角色：把 lan、omrvpn 和 omr6in4 设为 off。",
           "ip mptcp endpoint 只列出 WAN。", "#506"}}},
	{"A29",
         "fail, warn, pass, not assessed",
         "look whether the WAN is up and tracked; silent is broken, not cheap",
         "ifstatus wan2\n"
         "uci get network.wan2.multipath",
         true,
         {{"A backup on which nothing is heard for minutes, not even a ping, may be dead when it "
           "is needed. Up to v0.61 on Linux 6.x it was: silent backups were broken, not cheap.",
           "See that the interface is up, has an address and a role, and that omr-tracker runs; "
           "update the router (A9).",
           "Something passes on the backup at least every 300 s.", "#3767; measured"},
          {"几分钟内什么都听不到、连 ping 也没有的备用线路，用到时可能已经失效。在 Linux 6.x "
           "上，v0.61 及以前确实如此：静默的备用线路是坏了，不是省流量。",
           "确认接口已启用、有地址、有角色，omr-tracker 在运行；升级路由器（A9）。",
           "备用线路上至少每 300 秒有一次流量。", "#3767；实测"}}},
	{"A30",
         "pass, not applicable",
         NULL,
         NULL,
         false,
         {{"The router's scheduler rules the upload, the server's the download. Until mid-2026 "
           "servers had no BPF schedulers: \"redundant\" then doubled uploads only.",
           "Set the same scheduler on the server, if its kernel has it; else no setting fixes "
           "this.",
           "A5 shows copies in both directions, or in none.", "#4229"},
          {"上行由路由器的调度器决定，下行由服务器的决定。2026 年中以前服务器没有 BPF "
           "调度器：“redundant”因此只使上行加倍。",
           "如果服务器的内核有同样的调度器，就在服务器上设置它；否则没有设置可以解决。",
           "A5 显示两个方向都有副本，或者都没有。", "#4229"}}},
	{"E1",
         "warn, pass, not assessed",
         "find what is named as unexplained, by the findings of its kind",
         NULL,
         false,
         {{"A share of the primary says little about a backup: it grows when the primary rests. "
           "The counted subflows, keepalives, tracker pings and checks can cost so much and no "
           "more; what the backup carried beyond that used the plan for something else.",
           "Repair what the finding names as most of it. User data: see A3 and A12; copies: A5; "
           "other "
           "hosts: A21; a VPN: A22; speed tests: A19; the tracker: A17; keepalives: A15.",
           "Unexplained is next to nothing. What a backup should cost before anything is recorded: "
           "mptcp-audit estimate.",
           "#3270; mptcp-audit estimate; measured"},
          {"占主线路的比例说明不了备用线路什么：主线路清闲时比例就会上升。数得出来的子流、保活、omr"
           "-tracker 的 ping "
           "和检查只会用这么多，不会更多；备用线路超出的部分，是把套餐用在了别处。",
           "先处理检查结果指出的主要部分。用户数据：见 A3 和 "
           "A12；副本：A5；其他主机：A21；VPN：A22；测速：A19；omr-tracker：A17；保活：A15。",
           "无法解释的部分接近于零。在抓包之前，备用线路应有多少开销：mptcp-audit estimate。",
           "#3270；mptcp-audit estimate；实测"}}},
	{"E2",
         "warn, pass, not assessed",
         "set --from and --to to the carrier's period, record all of it",
         NULL,
         false,
         {{"The carrier counts all of the time, in units of its own, and rounds up. Only what is "
           "neither recorded, nor missed, nor rounded needs an explanation.",
           "Give the period of the bill with --from and --to, in the site's time zone, and the "
           "plan's granularity in the configuration. Another device on the same plan, or a modem's "
           "own traffic, passes by the capture.",
           "The unexplained part stays below 5 % of the bill.", "#1674, #1660"},
          {"运营商全天都在计量，用它自己的单位，并且向上取整。只有既没有录制、也没有丢失、也不是取"
           "整造成的部分才需要解释。",
           "用 --from 和 --to "
           "给出账单的周期（按站点的时区），并在配置文件中写明套餐的计费粒度。同一套餐上的其他设备"
           "，或调制解调器自己的流量，不经过抓包的地方。",
           "无法解释的部分低于账单的 5 %。", "#1674, #1660"}}},
};
const size_t explain_n_rows = sizeof(explain_rows) / sizeof(*explain_rows);
