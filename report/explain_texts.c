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
	"\xd0\xbc\xd0\xb0\xd1\x81\xd1\x82\xd0\xb5\xd1\x80 in Russian. \"AP\" is none of them: it is "
	"most likely LuCI's word for the Wi-Fi mode Master.",
	"LuCI：网络 > MPTCP > Settings > Interfaces Settings > “Multipath TCP”，或 系统 > "
	"OpenMPTCProuter > Settings Wizard（设置向导）。选项为 master、enabled、backup、disabled；"
	"master 在中文界面显示为“主”，德语 primär，法语 maître，俄语 мастер。"
	"“AP”不是其中之一：它很可能来自 LuCI 的 Wi-Fi 模式 Master。",
};

const struct explain_row explain_rows[] = {
	{"A1", "fail, warn, pass, not assessed",
         "give the WAN the role backup, then restart its connections",
         "uci set network.wan2.multipath='backup'\nuci commit network\n/etc/init.d/mptcp restart",
         true, "#3270, #1615, #3252",
         {{"Share of the backup",
           "A backup is there to be ready, and what it carries is billed by the byte. Two shares "
           "are told apart: user payload, which must be next to nothing, and standby, which is "
           "what readiness costs and grows with the number of connections.",
           "Give the WAN the role backup. If its joins carry the backup flag already (A6), the "
           "scheduler ignores it: choose \"default\" (A5). If the payload is plain TCP, see A21 "
           "and A23. A standby share alone is no fault: see A16.",
           "Record an hour and audit again: the payload share is 0.00 %."},
          {"备用线路的流量占比",
           "备用线路只应待命，它传输的每个字节都要计费。报告区分两种占比：用户数据（应接近零）"
           "和待命开销（随连接数增长）。",
           "将该 WAN 的角色设为 backup。如果其 MP_JOIN 已带备份标志（见 A6），说明调度器忽略了它："
           "改用 default（见 A5）。若是普通 TCP，见 A21 和 A23。仅待命占比偏高不是故障，见 A16。",
           "再抓包一小时并重新审计：用户数据占比应为 0.00 %。"}}},
	{"A2", "fail, warn, pass, not assessed", "find the largest cause under \"What used\", repair that one",
         NULL, false, "#1615, #2100; domain figures: 11 to 16 MB a day for a quiet backup",
         {{"Budget of the backup",
           "A mobile plan ends at a number of bytes, not at a share: on a quiet day a healthy "
           "backup can have a large share of little. A clean backup takes 11 to 16 MB a day "
           "before the signalling of connections.",
           "The list \"What used\" of the report names the causes; repair the largest. The plan "
           "itself is told with --limit plan_bytes_per_day=..., or in the configuration.",
           "Compare the day's bytes before and after."},
          {"备用线路的流量预算",
           "流量套餐按字节结束，而不是按比例。一条正常的备用线路每天约 11 到 16 MB，"
           "另加每个连接的信令。",
           "报告的 “What used” 列表给出原因，先处理最大的一项。套餐可用 --limit "
           "plan_bytes_per_day=... 或配置文件说明。",
           "比较处理前后每天的字节数。"}}},
	{"A3", "fail, warn, pass, not assessed, not applicable", "role backup, scheduler default; on a bad primary repair the primary",
         "uci set network.globals.mptcp_scheduler='default'\nuci commit network\n/etc/init.d/mptcp "
         "restart",
         true, "#3270; measured: 0 bytes at 2-3 % loss, 8 % of all bytes at 15 %",
         {{"User data while the primary was healthy",
           "New data on a backup beside a healthy primary means that the role is ignored, or that "
           "traffic did not return after an outage.",
           "Role backup, scheduler \"default\"; the server's scheduler rules the download. Long "
           "after an outage see A12. When the report blames the primary, no setting repairs "
           "this: its loss does.",
           "The phase \"healthy\" of the backup shows 0 B."},
          {"主线路正常时的用户数据",
           "主线路正常而备用线路仍传新数据，说明角色被忽略，或故障后流量没有回切。",
           "角色设为 backup，调度器设为 default；下行由服务器端的调度器决定。若是故障之后，见 A12。"
           "若报告指出主线路质量差，则没有设置可以解决，须修复主线路。",
           "备用线路 healthy 阶段为 0 B。"}}},
	{"A4", "warn, pass, not assessed", NULL, NULL, false, "mptcp#191, mptcp#177",
         {{"Repairs over the backup",
           "Data that the primary had carried and that is sent again over the backup "
           "(reinjection) means that the primary loses packets or stalls.",
           "No setting fixes this: repair the primary (cable, Wi-Fi, line quality, bufferbloat: "
           "SQM helps).",
           "Reinjection on the backup falls below 1 % outside of outages."},
          {"经备用线路的重传（reinjection）",
           "主线路已发送的数据又经备用线路重发，说明主线路丢包或停滞。",
           "没有设置可以解决：请修复主线路（线缆、Wi-Fi、线路质量；缓冲膨胀可用 SQM 改善）。",
           "除断线期间外，备用线路上的重注入低于 1 %。"}}},
	{"A5", "fail, warn, pass, not assessed", "choose a scheduler that is not redundant: default",
         "uci set network.globals.mptcp_scheduler='default'\nuci commit network\n/etc/init.d/mptcp "
         "restart",
         false, "#3252, #4229, #3769; measured: 50-620 kB of overlap at a switch",
         {{"Redundant copies",
           "A redundant scheduler sends every byte on several WANs. On Linux 5.4 it spares "
           "backups; bpf_red, bpf_rr, bpf_first and bpf_minrtt of 6.6 and later ignore the backup "
           "flag.",
           "Choose the scheduler \"default\" (or bpf_burst, bpf_bkup) on the router, and on the "
           "server for the download. LuCI: Network > MPTCP > Settings > \"Multipath TCP "
           "scheduler\".",
           "The kind \"redundant\" of the backup is gone; sysctl net.mptcp.scheduler tells the "
           "one in use."},
          {"冗余副本",
           "冗余调度器把每个字节发到多条线路。5.4 内核上它会避开备用线路；6.6 以后的 bpf_red、"
           "bpf_rr、bpf_first、bpf_minrtt 忽略备份标志。",
           "在路由器上选择调度器 default（或 bpf_burst、bpf_bkup），下行则在服务器上设置。LuCI："
           "网络 > MPTCP > Settings > “Multipath TCP scheduler”。",
           "备用线路不再有 redundant；用 sysctl net.mptcp.scheduler 查看当前调度器。"}}},
	{"A6", "fail, warn, pass, not assessed, not applicable", "set the role the WAN should have and apply it",
         "uci set network.wan1.multipath='master'\nuci set network.wan2.multipath='backup'\nuci "
         "commit network\n/etc/init.d/mptcp restart",
         true, "#948, #4229, #3551",
         {{"Role on the wire",
           "The kernel acts on the backup flag of joins and on MP_PRIO, not on what was meant. "
           "Only one WAN may be master; OpenMPTCProuter turns further ones into \"enabled\".",
           "Set each WAN's role and apply it. A role changed at run time reaches running "
           "connections as MP_PRIO.",
           "ip mptcp endpoint: the backup's line says \"subflow backup fullmesh\"."},
          {"线上实际角色",
           "内核只看 MP_JOIN 的备份标志和 MP_PRIO。只能有一个 master，多余的会被改为 enabled。",
           "设置每条 WAN 的角色并应用。运行中更改的角色以 MP_PRIO 通知现有连接。",
           "ip mptcp endpoint 中该线路显示 “subflow backup fullmesh”。"}}},
	{"A7", "fail, warn, pass, not assessed, not applicable", "bring both ends to kernels with the backup fix: 6.6.45, 6.10.4, 6.11 or later",
         NULL, false, "mptcp#553; Linux b6a66e521a20",
         {{"Uplink leak by kernels that differ",
           "Before Linux 6.11 (6.6.45, 6.10.4) the answer to a join mirrored the backup flag by "
           "accident. An old router with a new server therefore uses a backup for its uplink. B=0 "
           "in the answer alone is normal.",
           "Run kernels on the same side of the fix at both ends: update the router. No UCI "
           "setting fixes this.",
           "No payload from the router on the backup while the primary lives."},
          {"内核版本不一致造成的上行泄漏",
           "6.11（6.6.45、6.10.4）之前，对 MP_JOIN 的应答会意外复制备份标志。旧路由器配新服务器时，"
           "备用线路会被用于上行。单独的 B=0 属正常。",
           "两端使用修复同侧的内核：升级路由器。没有 UCI 设置可以解决。",
           "主线路正常时，备用线路上没有上行数据。"}}},
	{"A8", "fail, warn, pass, not assessed, not applicable", "make the primary the master: it opens the connections",
         "uci set network.wan1.multipath='master'\nuci commit network\n/etc/init.d/network reload",
         true, "mptcp#285; routing metric 999; measured",
         {{"Connections opened over the backup",
           "The first subflow follows the route, and MP_CAPABLE has no backup flag. Without "
           "MP_PRIO afterwards such a connection lives on the backup.",
           "The backup's route has metric 999: if connections open there, the primary's route "
           "was missing. Check the master and omr-tracker's log (logread -e tracker).",
           "ip route get SERVER names the master's device."},
          {"经备用线路发起的连接",
           "首个子流按路由选择，MP_CAPABLE 没有备份标志。之后若没有 MP_PRIO，连接会一直留在备用线路。",
           "备用线路的路由度量为 999：若连接仍从这里发起，说明主路由缺失。检查 master 和 "
           "omr-tracker 日志（logread -e tracker）。",
           "ip route get 服务器地址 显示主线路的设备。"}}},
	{"A9", "fail, warn, pass, not assessed, not applicable", "update OpenMPTCProuter to 0.62 or later; raise mptcp_subflows above 8",
         "uci set network.globals.mptcp_subflows='16'\nuci set "
         "network.globals.mptcp_add_addr_accepted='16'\nuci commit network\n/etc/init.d/mptcp "
         "restart",
         false, "#3767; feeds 4a603485",
         {{"Readiness of the standby",
           "A backup without a subflow cannot take over a running connection. Up to v0.61 on "
           "Linux 6.x the backup endpoint lacked the flag \"subflow\": not one packet went over "
           "it. Cheap is then broken.",
           "Update the router; with more than eight WANs and addresses raise the limits; else "
           "NAT or the carrier strips joins (A23).",
           "ss -M, or joins on the backup in a capture: one for each connection."},
          {"备用子流是否就绪",
           "没有子流的备用线路无法接管已有连接。0.61 及以前的 6.x 版本，备份端点缺少 subflow 标志，"
           "备用线路上一个包也没有——那是坏了，不是省流量。",
           "升级路由器；WAN 很多时提高上限；否则是 NAT 或运营商剥离了 MP_JOIN（见 A23）。",
           "ss -M，或抓包中每个连接在备用线路上都有一个 MP_JOIN。"}}},
	{"A10", "fail, warn, pass, not assessed, not applicable", "lower mptcp_stale_loss_cnt; make sure a standby subflow exists (A9)",
         "uci set network.globals.mptcp_stale_loss_cnt='2'\nuci commit network\n/etc/init.d/mptcp "
         "restart",
         false, "#4254; Linux ff5a0b421cb2; measured: 0.2 to 0.4 s",
         {{"Failover of running connections",
           "From the primary's last progress to the first new data on the backup. With a standby "
           "subflow the kernel needs 0.2 to 0.4 s; users tell of 2 to 60 s.",
           "Make sure that the standby exists (A9). A lower stale_loss_cnt (OpenMPTCProuter: 4) "
           "switches sooner, and on a lossy primary too soon.",
           "Pull the primary's cable during a download while recording; audit it."},
          {"现有连接的切换时间",
           "从主线路最后一次进展到备用线路的第一个新数据。有备用子流时内核只需 0.2 到 0.4 秒；"
           "用户报告 2 到 60 秒。",
           "确认备用子流存在（A9）。降低 stale_loss_cnt（OMR 默认 4）会更快切换，但主线路丢包时会过早切换。",
           "下载时拔掉主线路并抓包，再审计。"}}},
	{"A11", "fail, warn, pass, not assessed, not applicable", "shorten omr-tracker's interval and tries",
         "uci set omr-tracker.defaults.interval='1'\nuci set omr-tracker.defaults.tries='2'\nuci "
         "commit omr-tracker\n/etc/init.d/omr-tracker restart",
         false, "omr-tracker's script: 3 x (2+2+2+1) s, about 21 s",
         {{"Failover of new connections",
           "A new connection follows the route, and the route moves when omr-tracker has given "
           "the primary up: after about 21 s with its defaults.",
           "Fewer tries and a shorter interval find it sooner and cost more pings on each WAN "
           "(A17).",
           "The first answered MP_CAPABLE elsewhere comes within 10 s of the first lost one."},
          {"新连接的切换时间",
           "新连接按路由走，路由要等 omr-tracker 判定主线路失效后才改变：默认约 21 秒。",
           "减少尝试次数、缩短间隔可以更快，但每条 WAN 的 ping 更多（A17）。",
           "第一个失败的 MP_CAPABLE 之后 10 秒内在别处得到应答。"}}},
	{"A12", "fail, warn, pass, not assessed, not applicable", NULL, NULL, false,
         "#1401, #4197, #4199; measured: 45 s after an outage of 60 s",
         {{"Failback",
           "How long new data stays on the backup after the primary answers again. The stale "
           "subflow is tried by its retransmission timer, which doubles: after a long outage that "
           "takes as long again. This, not the failover, is the bill.",
           "No setting fixes this: the kernel waits for the primary subflow's next "
           "retransmission. Restarting the connections (the proxy on the router) ends it at once.",
           "The last new data on the backup comes within 30 s of the primary's first answer."},
          {"回切时间",
           "主线路恢复后，新数据还留在备用线路多久。失效的子流由成倍增长的重传定时器试探，"
           "断线越久等得越久。真正的账单来自这里，而不是切换。",
           "没有设置可以解决：内核要等主子流的下一次重传。重启连接（路由器上的代理）可立即结束。",
           "主线路第一次应答后 30 秒内，备用线路不再有新数据。"}}},
	{"A13", "fail, warn, pass, not assessed, not applicable", NULL, NULL, false,
         "multipath-tcp/mptcp#521, #974, #1271; measured: 3.3 to 26.6 s",
         {{"Stall on all WANs",
           "After a failback a connection may be silent on every WAN although data waits: the "
           "data is bound to a subflow that waits for its own timer. People see a page or a call "
           "that hangs right after the line came back.",
           "No setting fixes this: it is the kernel's. Shorter outages stall for less; newer "
           "kernels on both ends may do better.",
           "Repeat the outage while recording: no connection is silent for more than 2 s with data "
           "waiting."},
          {"所有线路同时停滞",
           "回切后，虽有数据等待，连接却可能在所有 WAN 上静默：数据绑定在一个等待自身定时器的子流上。"
           "用户看到的是线路恢复后网页或通话卡住。",
           "没有设置可以解决：这是内核行为。断线越短，停滞越短；两端使用更新的内核可能改善。",
           "抓包时重复断线：有数据等待时，没有连接静默超过 2 秒。"}}},
	{"A14", "fail, warn, pass, not assessed, not applicable", "let keepalives run: shorter than the NAT's timeout", NULL, false,
         "mptcp#616, #501; Linux bd11dc4fb969",
         {{"Dead standby",
           "A subflow that is idle for longer than a NAT remembers it is dead, and nobody knows "
           "until it is needed.",
           "Keepalives every 15 to 120 s hold it open (shadowsocks-rust has 15 s). They reach all "
           "subflows from Linux 6.10 on (stable 6.6, 6.9); before that no setting fixes this.",
           "Keepalives on the backup are answered, and no RST comes at its first use."},
          {"失效的备用子流",
           "子流闲置时间超过 NAT 的记忆后即失效，要用时才被发现。",
           "每 15 到 120 秒的 keepalive 可保持（shadowsocks-rust 为 15 秒）。6.10 起（6.6、6.9 稳定版）"
           "才到达所有子流；更早的版本没有设置可以解决。",
           "备用线路上的 keepalive 有应答，首次使用时没有 RST。"}}},
	{"A15", "warn, pass, not assessed, not applicable", "lengthen the keepalive interval of the proxy or VPN", NULL,
         false, "#4286; measured: 128 bytes for a probe and its answer",
         {{"Keepalives",
           "Each idle subflow is kept alive on every backup, also while its connection is busy "
           "on the primary: 128 bytes each interval, 256 when both ends do it. 40 subflows every "
           "15 s are 1.2 MB an hour. Growing numbers mean connections nobody closes.",
           "Lengthen the proxy's keepalive (shadowsocks-rust 15 s, glorytun 20, shadowsocks-libev "
           "40, xray 45) up to what the NAT bears; close idle connections at the server.",
           "The rhythm in \"What used\", and its bytes."},
          {"保活（keepalive）",
           "每个闲置子流都在每条备用线路上保活，即使连接正在主线路上传输：每次 128 字节，两端都发则 256。"
           "40 个子流每 15 秒一次约为每小时 1.2 MB。数量持续增长说明连接没有关闭。",
           "在 NAT 允许的范围内加长代理的 keepalive（shadowsocks-rust 15 秒、glorytun 20、"
           "shadowsocks-libev 40、xray 45），并在服务器端关闭闲置连接。",
           "查看 “What used” 中的节奏和字节数。"}}},
	{"A16", "warn, pass, not assessed, not applicable", NULL, NULL, false, "measured: 836 bytes per connection and backup on 6.18",
         {{"Opening and closing of subflows",
           "One connection costs a join and a close on every backup: 836 bytes on Linux 6.18 "
           "without any payload. 1 % is met only if connections move 84 kB on the primary on "
           "average, so many short ones are no fault of the role.",
           "No setting fixes this. Fewer and longer connections do: a proxy that multiplexes, a "
           "VPN over one connection, or fewer backups with a role.",
           "Bytes per connection stay near 836; the share falls with their size."},
          {"子流的建立与关闭",
           "每个连接在每条备用线路上都要一次 MP_JOIN 和一次关闭：6.18 上 836 字节，没有任何数据。"
           "平均每个连接在主线路传 84 kB 以上才能低于 1 %，所以短连接多不是角色的错。",
           "没有设置可以解决。减少短连接：用多路复用的代理、单连接 VPN，或减少带角色的备用线路。",
           "每连接字节数约 836；占比随连接大小下降。"}}},
	{"A17", "fail, warn, pass, not assessed, not applicable", "lengthen omr-tracker's interval on the backup; server_http_test off",
         "uci set omr-tracker.wan2=interface\nuci set omr-tracker.wan2.interval='30'\nuci set "
         "omr-tracker.defaults.server_http_test='0'\nuci commit omr-tracker\n/etc/init.d/omr-tracker "
         "restart",
         false, "omr-tracker's script; #4355",
         {{"Cost of the tracker",
           "omr-tracker pings the server (TOS 0xB8) on every WAN for ever: 4.8 to 6.5 MB a day on "
           "a backup with its old defaults. With server_http_test it is a TLS connection each "
           "time: 140 MB a day.",
           "Lengthen the interval of the backup, switch server_http_test off. A slower tracker "
           "finds a dead backup later.",
           "Bytes an hour of \"tracker pings\", and their rhythm."},
          {"跟踪器（omr-tracker）的开销",
           "omr-tracker 在每条 WAN 上不停地 ping 服务器（TOS 0xB8）：旧默认值下备用线路每天 4.8 到 6.5 MB。"
           "开启 server_http_test 则每次都是 TLS 连接，约每天 140 MB。",
           "加长备用线路的间隔，关闭 server_http_test。间隔越长，发现备用线路失效越晚。",
           "查看 “tracker pings” 每小时字节数和节奏。"}}},
	{"A18",
         "pass, not assessed, not applicable",
         "lengthen the interval of the proxy's section in omr-tracker",
         "uci show omr-tracker | grep interval\nuci set omr-tracker.shadowsocks.interval='30'   # "
         "the section of your proxy\nuci commit omr-tracker\n/etc/init.d/omr-tracker restart",
         false,
         "omr-tracker's configuration: shadowsocks.interval 10",
         {{"Cost of the proxy's health check",
           "The router fetches a page through its proxy every 10 s. Each time is a connection of "
           "MPTCP, with a join and a close on every backup: up to 7.2 MB a day each.",
           "Lengthen the interval of the proxy's section in omr-tracker. A dead proxy is then "
           "noticed later.",
           "The cause \"proxy health check\" tells its interval and its bytes."},
          {"代理健康检查的开销",
           "路由器每 10 秒经代理取一次网页。每次都是一个 MPTCP 连接，在每条备用线路上建立并关闭子流："
           "每条最多每天 7.2 MB。",
           "加长 omr-tracker 中代理一节的间隔；代理失效会更晚被发现。",
           "原因 “proxy health check” 显示间隔和字节数。"}}},
	{"A19", "warn, pass, not assessed", "do not start speed tests on a backup; testspeed off",
         "uci set openmptcprouter.wan2.testspeed='0'\nuci commit openmptcprouter", false, "#3210",
         {{"Speed tests and bulk transfers",
           "A speed test over a backup uses up the plan that it measures: 100 MB to 1 GB each.",
           "Switch the automatic test of the backup off; do not press its button.",
           "Nothing on ports 65400 and 65500 beyond some kB an hour."},
          {"测速与大流量传输",
           "在备用线路上测速会耗尽它所测量的套餐：每次 100 MB 到 1 GB。",
           "关闭备用线路的自动测速，不要按测速按钮。",
           "端口 65400 和 65500 每小时只有几 kB。"}}},
	{"A20", "fail, pass, not assessed", "correct the server's address, port, user and key on the router",
         "uci show openmptcprouter | grep -E 'ip|port|username'", false, "#3210",
         {{"Reconnects to the server",
           "A router that cannot log in at its server's API (port 65500) tries for ever, each "
           "time with a TLS handshake of some kB, over any WAN. Going back and forth between two "
           "server addresses is the same fault.",
           "Correct address, port, user and key under System > OpenMPTCProuter > Settings Wizard "
           "> Server settings; name only servers that exist.",
           "logread shows no repeated API errors; fewer than 30 connections an hour."},
          {"反复连接服务器",
           "路由器无法登录服务器 API（端口 65500）时会不停重试，每次都是数 kB 的 TLS 握手，可能走任何 WAN。"
           "在两个服务器地址之间来回切换是同一故障。",
           "在 系统 > OpenMPTCProuter > Settings Wizard（设置向导）> 服务器设定 中改正地址、端口、用户和密钥。",
           "logread 没有重复的 API 错误；每小时少于 30 个连接。"}}},
	{"A21", "fail, warn, pass, not assessed", "find who sends it: a bypass rule, direct output, IPv6 past the tunnel",
         "uci show omr-bypass\nuci set openmptcprouter.settings.disable_ipv6='1'\nuci commit "
         "openmptcprouter",
         false, "#3427, #4313; omr-bypass",
         {{"Traffic past the VPS",
           "What does not go to the VPS is neither bonded nor hidden, and no MPTCP role keeps it "
           "off the backup: bypass rules, the router's own fetches, IPv6 that leaves beside the "
           "tunnel.",
           "Look for the host and service that the finding names: bypass rules that name this "
           "WAN, \"direct output\", IPv6.",
           "Less than 100 kB a day with hosts other than the VPS."},
          {"绕过 VPS 的流量",
           "不经过 VPS 的流量既不聚合也不隐藏，MPTCP 角色也不能阻止它走备用线路：omr-bypass 规则、"
           "路由器自身的下载、绕过隧道的 IPv6。",
           "按报告给出的主机和服务查找：指向该 WAN 的 bypass 规则、direct output、IPv6。",
           "与 VPS 以外主机的流量每天少于 100 kB。"}}},
	{"A22", "fail, warn, pass, not assessed", "use a VPN over MPTCP, or take the backup out of the VPN",
         "uci set openmptcprouter.settings.vpn='openvpn'\nuci set "
         "network.wan2.multipath='off'   # keeps MLVPN and UBOND off it, and MPTCP too\nuci commit",
         false, "#948",
         {{"VPN on the backup",
           "MLVPN, UBOND and bonded OpenVPN use every WAN whose role is not off and know no "
           "backup; glorytun-udp only prefers others. UDP has no subflows that could stand by.",
           "Choose a VPN that runs over MPTCP (openvpn or glorytun over TCP). A WAN that must not "
           "carry MLVPN needs the role off, which takes MPTCP off it, too.",
           "No large packets of UDP with the VPS on the backup."},
          {"备用线路上的 VPN",
           "MLVPN、UBOND 和聚合 OpenVPN 使用所有角色不为 off 的 WAN，不懂备用；glorytun-udp 只是优先选择其他线路。",
           "选择运行在 MPTCP 之上的 VPN（openvpn 或 glorytun 的 TCP 方式）。不允许走 MLVPN 的 WAN 只能设为 "
           "off，同时也失去 MPTCP。",
           "备用线路上与 VPS 之间没有大的 UDP 包。"}}},
	{"A23", "fail, warn, pass, not applicable", "same MPTCP version at both ends; another carrier or MPTCP over VPN",
         "uci set openmptcprouter.wan2.multipathvpn='1'\nuci commit openmptcprouter", false,
         "#3238, #540; measured",
         {{"MPTCP stripped or refused",
           "A connection whose MPTCP is lost runs as plain TCP on one WAN: no bonding, no "
           "failover. Either a box on the way removes the options, or both ends speak different "
           "versions (5.4: version 0; 5.15 and later: version 1).",
           "Bring both ends to the same version. If one WAN alone strips, run MPTCP over VPN "
           "there, or change the APN or carrier.",
           "Fewer than 5 % of handshakes of each WAN lose MPTCP."},
          {"MPTCP 被剥离或拒绝",
           "失去 MPTCP 的连接以普通 TCP 留在一条线路上：不聚合，不切换。要么途中设备删除了选项，"
           "要么两端版本不同（5.4 为 v0，5.15 以后为 v1）。",
           "两端使用同一 MPTCP 版本。若只有一条 WAN 剥离，可在其上使用 MPTCP over VPN，或更换 APN、运营商。",
           "每条 WAN 上失去 MPTCP 的握手少于 5 %。"}}},
	{"A24", "pass, not applicable", NULL, NULL, false, "packet types and private networks",
         {{"Local and billed traffic",
           "ARP, DHCP, neighbour discovery and pings of a modem that is a router itself never "
           "leave the access link: the carrier does not see them, and they are in no share.",
           "Nothing to repair: it tells what was left out.",
           "Billed and local bytes add up to what the interface counted."},
          {"本地流量与计费流量",
           "ARP、DHCP、邻居发现以及对路由型调制解调器的 ping 不离开接入链路，运营商看不到，也不计入占比。",
           "无需处理：仅说明哪些未计入。",
           "计费与本地字节之和等于接口计数。"}}},
	{"A25", "warn, pass, not assessed", NULL, NULL, false, "#4355",
         {{"Outages and flaps",
           "A primary that goes away several times a day sends its traffic over the backup each "
           "time, and for some time after. Outages are found where data waits without an answer, "
           "where pings, DNS queries or new connections do (hosts that never answer do not count), "
           "and by the recorder's marks of a device that was absent or down.",
           "No setting fixes this: repair the primary. More tries of the tracker before it gives "
           "a WAN up, or back, damp flapping.",
           "Fewer than four outages a day."},
          {"断线与抖动",
           "主线路一天断几次，每次流量都会走备用线路，并持续到恢复后一段时间。断线的依据：数据没有应答；"
           "ping、DNS 查询或新连接没有应答（从不应答的主机不算）；录制器记下的设备缺失或断开。",
           "没有设置可以解决：修复主线路。增加跟踪器判定前的尝试次数可以抑制抖动。",
           "每天少于四次断线。"}}},
	{"A26", "fail, warn, pass, not assessed", "repair the largest cause, or take a larger plan", NULL, false,
         "#1674, #1660",
         {{"Billing period at this rate",
           "A plan that ends before its month costs more, or ends the backup.",
           "Repair the largest cause under \"What used\". The plan and its billing day are told in "
           "the configuration.",
           "The projection stays below 80 % of the plan."},
          {"按当前速率的计费周期",
           "套餐提前用完会产生费用，或使备用线路失效。",
           "先处理 “What used” 中最大的原因。套餐和计费日在配置文件中说明。",
           "预测低于套餐的 80 %。"}}},
	{"A27", "warn, pass, not assessed", "record with mptcp-captured, or with a larger buffer (tcpdump -B)",
         NULL, false, "libpcap; the kernel's own counters",
         {{"Wholeness of the capture",
           "What was not captured cannot be judged: dropped frames, cut headers, clocks that "
           "differ, gaps. Such a capture proves a fault, never health.",
           "Record with mptcp-captured; with tcpdump use -s 160 or more, a larger -B, and one "
           "device per WAN. The router's load is the usual reason for drops.",
           "Coverage says whole."},
          {"抓包的完整性",
           "没有抓到的就无法判断：丢帧、截断的包头、时钟差异、间隙。这样的抓包能证明故障，不能证明正常。",
           "用 mptcp-captured 录制；用 tcpdump 时 -s 160 以上，加大 -B，每条 WAN 一个设备。"
           "丢帧通常因路由器负载过高。",
           "Coverage 显示 whole。"}}},
	{"A28", "warn, pass, not assessed, not applicable", "switch MPTCP of the LAN and of omrvpn off",
         "uci set network.lan.multipath='off'\nuci set network.omrvpn.multipath='off'\nuci commit "
         "network\n/etc/init.d/mptcp restart",
         true, "#506",
         {{"MPTCP behind the router",
           "An interface of the LAN or the VPN with a role makes the kernel open subflows that "
           "lead nowhere, or MPTCP inside MPTCP.",
           "Only WANs have roles: set lan, omrvpn and omr6in4 to off.",
           "ip mptcp endpoint lists WANs only."},
          {"路由器内侧的 MPTCP",
           "LAN 或 VPN 接口带有角色，会使内核打开无用的子流，或在 MPTCP 中再套 MPTCP。",
           "只有 WAN 需要角色：lan、omrvpn、omr6in4 设为 off。",
           "ip mptcp endpoint 只列出 WAN。"}}},
	{"A29", "fail, warn, pass, not assessed", "look whether the WAN is up and tracked; silent is broken, not cheap",
         "ifstatus wan2\nuci get network.wan2.multipath", true, "#3767; measured",
         {{"Silence on the backup",
           "A backup on which nothing is heard for minutes, not even a ping, may be dead when it "
           "is needed. Up to v0.61 on Linux 6.x it was: silent backups were broken, not cheap.",
           "See that the interface is up, has an address and a role, and that omr-tracker runs; "
           "update the router (A9).",
           "Something passes on the backup at least every 300 s."},
          {"备用线路静默",
           "几分钟内连 ping 都没有的备用线路，需要时可能已经失效。0.61 及以前的 6.x 正是如此：静默是故障，不是省流量。",
           "确认接口已启用、有地址和角色，omr-tracker 在运行；升级路由器（A9）。",
           "备用线路上至少每 300 秒有流量。"}}},
	{"A30", "pass, not applicable", NULL, NULL, false, "#4229",
         {{"Redundancy of one direction",
           "The router's scheduler rules the upload, the server's the download. Until mid-2026 "
           "servers had no BPF schedulers: \"redundant\" then doubled uploads only.",
           "Set the same scheduler on the server, if its kernel has it; else no setting fixes "
           "this.",
           "A5 shows copies in both directions, or in none."},
          {"单方向冗余",
           "上行由路由器的调度器决定，下行由服务器的决定。2026 年中以前服务器没有 BPF 调度器，“冗余”只作用于上行。",
           "若服务器内核支持，设置相同的调度器；否则没有设置可以解决。",
           "A5 显示两个方向都有副本，或都没有。"}}},
	{"E1", "warn, pass, not assessed", "find what is named as unexplained, by the findings of its kind", NULL, false,
         "#3270; mptcp-audit estimate; measured",
         {{"Expected against seen",
           "A share of the primary says little about a backup: it grows when the primary rests. "
           "The counted subflows, keepalives, tracker pings and checks can cost so much and no "
           "more; what the backup carried beyond that used the plan for something else.",
           "The finding names what most of it was. User data: see A3 and A12; copies: A5; other "
           "hosts: A21; a VPN: A22; speed tests: A19; the tracker: A17; keepalives: A15.",
           "Unexplained is next to nothing. What a backup should cost before anything is "
           "recorded: mptcp-audit estimate."},
          {"预期与实测",
           "占主线路的比例说明不了多少：主线路空闲时比例就会上升。已统计的子流、保活、跟踪器 ping "
           "和检查最多只需这么多字节；超出的部分是套餐被别的用途消耗了。",
           "报告会指出超出部分主要是什么。用户数据：见 A3 和 A12；副本：A5；其他主机：A21；VPN：A22；"
           "测速：A19；跟踪器：A17；保活：A15。",
           "未能解释的部分接近零。抓包之前可用 mptcp-audit estimate 计算备用线路的应有开销。"}}},
	{"E2", "warn, pass, not assessed", "set --from and --to to the carrier's period, record all of it",
         NULL, false, "#1674, #1660",
         {{"The carrier's bill",
           "The carrier counts all of the time, in units of its own, and rounds up. Only what is "
           "neither recorded, nor missed, nor rounded needs an explanation.",
           "Give the period of the bill with --from and --to, in the site's time zone, and the "
           "plan's granularity in the configuration. Another device on the same plan, or a "
           "modem's own traffic, passes by the capture.",
           "The unexplained part stays below 5 % of the bill."},
          {"运营商账单",
           "运营商全天候计量，使用自己的单位，并向上取整。只有既未记录、也非丢失、也非取整的部分才需要解释。",
           "用 --from 和 --to 给出账单周期（按站点时区），并在配置文件中写明套餐的计费粒度。"
           "同一套餐上的其他设备或调制解调器自身的流量不会出现在抓包中。",
           "未能解释的部分低于账单的 5 %。"}}},
};
const size_t explain_n_rows = sizeof(explain_rows) / sizeof(*explain_rows);
