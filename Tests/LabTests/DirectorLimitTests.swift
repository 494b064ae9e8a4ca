import Lab
import NetworkAddress
import Testing

extension TheLab {
    /// What the director does with more than anybody has, and with less room than it needs.
    @Suite("The director at its limits")
    struct DirectorLimitTests {
        @Test(
            "a table full of established connections: they go on, what is new is dropped and counted, until some have ended"
        )
        func fullTable() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let (fleet, upload) = try await Self.startSmall(lab)
                // Beside the one that carries data, more than there is room for that are open and say nothing.
                let idle = try await lab.client.start(
                    ["bash", "-c", Self.open(1_100), "idle"], log: "idle")
                try await Deadline.wait(until: "a full table") {
                    if idle.exitStatus != nil { throw LabError("idle: \(try idle.output)") }
                    return try await fleet.director("status", "--json").output.contains("tableFull")
                }
                let refused = try await lab.client.run(["curl", "-s", "--max-time", "3", "http://\(Lab.vip)/"])
                #expect(refused.status != 0, "there was room")
                let first = try await fleet.director("status").output
                #expect(first.contains("(flows=1024, size=1024)"), "\(first)")
                #expect(try await upload.finish() == nil, "the connection that was there before")
                // They end: there is room again.
                try await idle.stop()
                try await fleet.ready(servers: 1)
                try await fleet.stop()
            }
        }

        @Test("a flood of SYNs: who is connected stays so, who comes is served, and the table is as large as it was")
        func flood() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let (fleet, upload) = try await Self.startSmall(lab)
                let flag = "\(lab.client.directory)/flooded"
                let silent = try await lab.client.start(
                    ["bash", "-c", Self.openAndAsk(300, after: flag)], log: "silent")
                try await Deadline.wait(until: "300 connections that say nothing") {
                    if silent.exitStatus != nil { throw LabError("silent: \(try silent.output)") }
                    return try silent.output.contains("open")
                }
                let capture = try await Capture(
                    on: lab.backends[0], name: "flood", filter: "\(SYNFlood.sources) and dst host \(Lab.vip)",
                    length: 60)

                let flood = try SYNFlood(from: lab.client, to: Lab.vip, port: 80)
                defer { flood.stop() }
                try await Deadline.wait(until: "a full table") {
                    try await fleet.director("status").output.contains("(flows=1024, size=1024)")
                }
                let before = flood.count
                try await Deadline.wait(until: "twice as many SYNs as there is room for") {
                    flood.count > before + 2_048
                }
                try await Deadline.wait(until: "a new client to be served meanwhile") {
                    let run = try await lab.client.run(["curl", "-sf", "--max-time", "2", "http://\(Lab.vip)/"])
                    return run.status == 0
                }
                try await Deadline.wait(until: "the table to be as full as it was, and as large") {
                    try await fleet.director("status").output.contains("(flows=1024, size=1024)")
                }
                flood.stop()

                try await lab.client.write("", to: "flooded")
                try await silent.ended()
                #expect(try silent.output == "open\n300 answered\n", "those that said nothing")
                #expect(try await upload.finish() == nil, "the connection that carries data")
                try await capture.stop()
                let arrived = try await capture.frames("tcp[tcpflags] == tcp-syn")
                #expect(arrived.count > 2_048, "the flood was on the server's wire: \(arrived.count)")
                print("a flood of \(flood.count) SYNs, \(arrived.count) of them on the server's wire")
                // It is over, and nothing is left of it that a new client would miss.
                try await fleet.ready(servers: 1)
                try await fleet.stop()
            }
        }

        @Test("10,000 servers: started, shown, reloaded, and a client is served throughout")
        func tenThousand() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let (fleet, server) = (Fleet(on: lab), lab.backends[0])
                try await fleet.startWebServer(on: server)
                try await server.hold([Lab.vip])
                // All of them are one host, which answers ARP for half of the network. With so many addresses of its own it
                // would take the kernel a walk through all of them for each question.
                let addresses = (0..<10_000).map { IPv4Address(10, 9, UInt8($0 / 250), UInt8($0 % 250 + 1)) }
                try await server.require("ip route add local 10.9.0.0/17 dev lo")
                try await server.require("ip route add 10.9.128.0/17 dev eth0")
                try await lab.director.require("ip addr add 10.9.255.1/16 dev eth0")
                let clock = ContinuousClock()
                var start = clock.now
                try await fleet.startDirector(Self.file(addresses, weight: 1, lab))
                try await fleet.ready(servers: 1)
                print("10,000 servers: \((clock.now - start) / .seconds(1)) s until a client is served")
                try await Deadline.wait(until: "every server's MAC", limit: .seconds(60), every: .milliseconds(500)) {
                    let status = try await fleet.director("status").output
                    return status.split(separator: "\n").count { $0.contains("-> 10.9.") } == addresses.count
                        && !status.contains("MAC not known")
                }
                print("10,000 servers: \((clock.now - start) / .seconds(1)) s until all are found")

                let load = try await Load(
                    from: lab.client, to: "http://\(Lab.vip)/", lanes: 2, pause: 0.05, name: "load")
                let upload = try await Upload(
                    of: "\(server.directory)/nginx/documents/big", from: lab.client, to: "\(Lab.vip)", on: server)
                start = clock.now
                try await lab.director.write(Self.file(addresses, weight: 2, lab), to: "rsdirector.toml")
                let reload = try await fleet.director("reload")
                print("10,000 servers: \((clock.now - start) / .seconds(1)) s to reload")
                #expect(reload.status == 0, "\(reload.text.suffix(500))")
                #expect(reload.output.split(separator: "\n").count { $0.contains("has weight 2") } == addresses.count)
                try await Deadline.wait(until: "requests after the reload") {
                    let now = WallClock.seconds
                    return try await load.requests().contains { $0.isAnswered && $0.start > now - 1 }
                }
                #expect(try await upload.finish() == nil)
                let requests = try await load.stop()
                let lost = requests.filter { !$0.isAnswered }
                #expect(lost.isEmpty, "\(lost)")
                try await fleet.stop()
            }
        }

        /// Opens so many connections to the VIP, as far as they can be opened, and holds them.
        private static func open(_ count: Int) -> String {
            """
            ulimit -n 4096
            for ((number = 0; number < \(count); number++)); do
                exec {connection}<>/dev/tcp/\(Lab.vip)/80 || break
            done
            exec sleep infinity
            """
        }

        /// The same, and once there is a file with this name asks on each of them; tells how many were answered.
        private static func openAndAsk(_ count: Int, after flag: String) -> String {
            """
            ulimit -n 4096
            connections=()
            for ((number = 0; number < \(count); number++)); do
                exec {connection}<>/dev/tcp/\(Lab.vip)/80 || exit
                connections+=($connection)
            done
            echo open
            until [[ -e \(flag) ]]; do sleep 0.1; done
            answered=0
            for connection in "${connections[@]}"; do
                printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&"$connection"
                read -r -t 5 line <&"$connection" && [[ $line == *' 200 '* ]] || break
                answered=$((answered + 1))
            done
            echo "$answered answered"
            """
        }

        /// A director with room for a thousand flows and its one server, and a connection through it that carries data.
        private static func startSmall(_ lab: Lab) async throws -> (Fleet, Upload) {
            let (fleet, server) = (Fleet(on: lab), lab.backends[0])
            try await fleet.startWebServer(on: server)
            try await server.hold([Lab.vip])
            try await fleet.startDirector(small(server, lab))
            try await fleet.ready(servers: 1)
            let file = "\(server.directory)/nginx/documents/big"
            return (fleet, try await Upload(of: file, from: lab.client, to: "\(Lab.vip)", on: server))
        }

        private static func small(_ server: LabHost, _ lab: Lab) -> String {
            """
            interface = ["eth0"]
            run_dir   = "\(lab.director.directory)/var/run"
            flows     = 1024
            workers   = 1
            [timeouts]
            tcp_fin   = "1s"
            [[service]]
            name = "web"
            vip  = "\(Lab.vip)"
            port = 80
            [[service.server]]
            address = "\(server.address)"
            agent   = false

            """
        }

        private static func file(_ addresses: [IPv4Address], weight: Int, _ lab: Lab) -> String {
            """
            interface = ["eth0"]
            run_dir   = "\(lab.director.directory)/var/run"
            [[service]]
            name = "web"
            vip  = "\(Lab.vip)"
            port = 80

            """
                + addresses.map { "[[service.server]]\naddress = \"\($0)\"\nagent = false\nweight = \(weight)\n" }
                .joined()
        }
    }
}
