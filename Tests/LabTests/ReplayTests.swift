import Glibc
import Lab
import Testing

extension TheLab {
    @Suite("rsdirector replay")
    struct ReplayTests {
        /// The frames of a capture that `filter` lets through, byte for byte.
        private func frames(_ path: String, _ filter: String) async throws -> [String] {
            let read = try await Command.run(["tcpdump", "-r", path, "-nn", "-t", "-xx", filter])
            guard read.status == 0 else { throw LabError("tcpdump -r \(path): \(read.errors)") }
            // A frame's dump is indented; the line above describes it, as tcpdump understands it.
            var frames: [String] = []
            for line in read.output.split(separator: "\n") {
                if line.hasPrefix("\t") { frames[frames.count - 1] += line } else { frames.append("") }
            }
            return frames
        }

        /// The frames of each connection, in their order, by the client's port. Of two that come in at once by two cores, tcpdump may see the one
        /// first and the director the other.
        private func byConnection(_ frames: [String]) -> [Substring: [String]] {
            Dictionary(grouping: frames) { frame in
                // Behind the MACs, 20 bytes of IP.
                frame.split(separator: "0x0020:").last?.split(separator: " ").dropFirst().first ?? ""
            }
        }

        /// Waits until the client has said its last word to every server: what is on its way when a capture begins or ends is in one and not in
        /// the other.
        private func atRest(_ lab: Lab) async throws {
            for host in lab.backends {
                try await Deadline.wait(until: "the client's connections to \(host.name) to be closed") {
                    let open = "ss -Htn state connected exclude time-wait dst \(lab.client.address)"
                    return try await host.require(open).output.isEmpty
                }
            }
        }

        @Test("of what a director was sent it makes what that director sent, byte for byte, for each server")
        func sameAsLive() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                try await fleet.startBackends()
                // By the client's port: the same with every director, whatever it did before.
                try await fleet.startDirector(
                    // One worker, as a replay is: several would send in an order of their own.
                    "workers = 1\n"
                        + fleet.directorConfiguration(scheduler: "mh").replacing(
                            "scheduler = \"mh\"", with: "scheduler = \"mh\"\nscheduler_flags = [\"port\"]"))
                try await fleet.ready()
                try await atRest(lab)

                let length = 262_144
                let atDirector = try await Capture(on: lab.director, name: "director", length: length)
                var atServers: [Capture] = []
                for host in lab.backends {
                    let filter = "ether src \(lab.director.mac) and dst host \(Lab.vip)"
                    atServers.append(try await Capture(on: host, name: host.name, filter: filter, length: length))
                }
                // The capture has to show where the servers are: whether the director asks while it runs is chance.
                for host in lab.backends {
                    let ask = "ip neigh flush all; curl -s --max-time 5 http://\(lab.director.address):9/; true"
                    _ = try await host.run(["sh", "-c", ask])
                }
                let requests = try await Scenario.requests(40, on: fleet, name: "requests")
                #expect(requests.lost.isEmpty)
                // Super-packets, and partial checksums.
                let upload = "\(lab.client.directory)/upload"
                try await lab.client.require("dd if=/dev/urandom of=\(upload) bs=200000 count=1 status=none")
                let put = try await lab.client.run([
                    "curl", "-s", "-T", upload, "-w", "%{http_code}", "-o", "/dev/null", "http://\(Lab.vip)/upload/1",
                ])
                #expect(put.output == "201")
                try await atRest(lab)
                try await atDirector.stop()
                for capture in atServers { try await capture.stop() }

                let output = "\(lab.director.directory)/replayed.pcap"
                let replay = try await fleet.director("replay \(atDirector.path) \(output)")
                #expect(replay.status == 0, "\(replay.text)")
                var total = 0
                for (host, capture) in zip(lab.backends, atServers) {
                    let sent = try await frames(capture.path, "tcp")
                    let replayed = try await frames(output, "ether dst \(host.mac) and tcp")
                    let isSame = byConnection(sent) == byConnection(replayed)
                    #expect(isSame, "\(host.name): \(sent.count) sent, \(replayed.count) replayed")
                    #expect(sent.count > 10)
                    total += sent.count
                }
                #expect(try await frames(output, "").count == total, "and nothing else")
                #expect(replay.output.contains("server \(lab.backends[0].address): at \(lab.backends[0].mac), "))
                #expect(replay.output.contains("\(output): \(total) frames\n"))

                // The same once more is the same file; refusals end with 1.
                let again = try await fleet.director("replay \(atDirector.path) \(output).2")
                #expect(again.status == 0)
                #expect(try await Command.run(["cmp", output, "\(output).2"]).status == 0)
                let refused = try await fleet.director("replay \(atDirector.path) \(atDirector.path)")
                #expect(refused.status == 1 && refused.errors.contains("it is the capture that is read"))
                #expect(try await fleet.director("replay --mtu 10 a b").status == 64)
                try await fleet.stop()

                // Ctrl-C leaves nothing behind: of a capture that takes a while.
                let long = "\(lab.director.directory)/long.pcap"
                try await lab.director.script(
                    """
                    head -c 24 \(atDirector.path) >\(long)
                    tail -c +25 \(atDirector.path) >\(long).frames
                    for _ in {1..200}; do cat \(long).frames; done >>\(long)
                    """)
                for signal in [SIGINT, SIGTERM, SIGHUP] {
                    let running = try await lab.director.start(
                        [
                            Product.director, "replay", "--config", "\(lab.director.directory)/rsdirector.toml", long,
                            "\(long).out",
                        ], log: "replay")
                    let beginning = "\(long).out.\(running.pid).new"
                    try await Deadline.wait(until: "it is writing", limit: .seconds(60), every: .milliseconds(5)) {
                        if running.exitStatus != nil { throw LabError("replay: \(try running.output)") }
                        return access(beginning, F_OK) == 0
                    }
                    #expect(try await running.stop(signal) == 128 + signal)
                    #expect(access(beginning, F_OK) != 0 && access("\(long).out", F_OK) != 0)
                }
            }
        }
    }
}
