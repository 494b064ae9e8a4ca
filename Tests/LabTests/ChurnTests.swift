import Glibc
import Lab
import Testing

extension TheLab {
    /// Real nginx and a steady load of small requests, by direct routing and by address translation at once.
    @Suite("Servers that come and go under load")
    struct ChurnTests {
        @Test(
            "added, weighed, drained, reloaded, hung, killed and removed: nothing is lost but what was in flight on the one killed, and uploads of 100 MB go on"
        )
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let (rs1, rs2, rs3) = (lab.backends[0], lab.backends[1], lab.backends[2])
                let churn = try await Churn(
                    on: lab, ways: [.direct, .translated], size: 100_000_000, lanes: 2, pause: 0.12)
                let fleet = churn.fleet
                let wire = try await Capture(on: lab.client, name: "wire", filter: "tcp")

                // 1. One server has an upload in each service, which is not to notice anything of what follows.
                try await churn.beginUploads(on: rs1)
                try await churn.moreRequests(10)

                // 2. Another is added. All that is new is sent there, and then to both.
                try await churn.order("server add", rs2)
                try await churn.untilServed(by: rs2)
                let weighed = try await churn.order("server set", rs1, "--weight 0")
                try await churn.beginUploads(on: rs2)
                try await churn.moreRequests(10, silent: rs1, since: weighed)
                try await churn.order("server set", rs1, "--weight 3")
                try await churn.untilServed(by: rs1)

                // 3. A third one, and while the second is drained what is open there goes on to its end.
                try await churn.order("server add", rs3)
                try await churn.untilServed(by: rs3)
                let drained = try await churn.order("drain", rs2)
                try await churn.moreRequests(30, silent: rs2, since: drained)
                #expect(try await churn.finishUploads() == [], "uploads to a drained server")
                try await churn.order("undrain", rs2)
                try await churn.untilServed(by: rs2)

                // 4. 100 MB down, from whoever it is.
                for _ in lab.backends { #expect(try await churn.fetch() == [], "100 MB down") }

                // 5. A file that is wrong changes nothing, asked for either way; one that is right does.
                let before = try await standings(fleet)
                try await reload(churn, with: "interface = 5")
                let good = churn.directorFile([(rs1, 1), (rs2, 1), (rs3, 1)])
                _ = try await lab.director.write(good, to: "rsdirector.toml")
                #expect(try await standings(fleet) == before)
                let reloaded = try await fleet.director("reload")
                #expect(reloaded.status == 0, "\(reloaded.text)")
                #expect(reloaded.output.contains("server \(rs1.address) has weight 1, before 3"), "\(reloaded.text)")
                for host in lab.backends { try await churn.untilServed(by: host) }

                // 6. An agent that hangs takes its server out, no more. What the kernel accepts for it is not what it says.
                let agent = try #require(fleet.agents[rs2.name])
                agent.signal(SIGSTOP, toGroup: true)
                try await churn.untilDirectorSays("down", of: rs2)
                try await churn.moreRequests(10, silent: rs2)
                agent.signal(SIGCONT, toGroup: true)
                try await churn.untilServed(by: rs2)

                // 7. A server dies, and returns.
                try await churn.kill(rs3)
                try await churn.moreRequests(20, silent: rs3)
                try await fleet.replaceWebServer(on: rs3)
                try await churn.untilServed(by: rs3)

                // 8. Removed, once it has proven that nothing is open there.
                let proof = try await fleet.agent(rs3, "drain --wait --timeout 60s")
                #expect(proof.status == 0, "\(proof.text)")
                let removed = try await churn.order("server remove", rs3)
                try await churn.moreRequests(20, silent: rs3, since: removed)
                #expect(try await !fleet.director("status").output.contains("\(rs3.address)"))

                // 9. The director's own link goes down and comes back: what is open goes on, what is new waits.
                #expect(churn.areFirstUploadsOpen)
                try await lab.director.require("ip link set eth0 down")
                try await Deadline.wait(until: "the director to miss its link") {
                    try await fleet.director("status").output.contains("interface eth0: down or gone")
                }
                try await lab.director.require("ip link set eth0 up")
                for host in [rs1, rs2] { try await churn.untilServed(by: host) }
                #expect(try await churn.finishUploads() == [], "uploads that were there from the start")

                let outcome = try await churn.end()
                try await wire.stop()
                try await judge(wire, lab)
                #expect(outcome.lostElsewhere.isEmpty, "\(outcome.lostElsewhere)")
                #expect(outcome.broken.isEmpty, "new connections to servers that were to have none: \(outcome.broken)")
                #expect(outcome.uncounted.isEmpty, "connections without their request: \(outcome.uncounted)")
                print("churn: \(outcome.summary)")
                try await fleet.stop()
            }
        }

        /// Address, forward, weight and state of each server in each service.
        private func standings(_ fleet: Fleet) async throws -> [[Substring]] {
            try await fleet.director("status").output.split(separator: "\n").filter { $0.contains("-> 10.") }.map {
                line in
                let words = line.split(separator: " ")
                return [1, 2, 3, 6].compactMap { words.indices.contains($0) ? words[$0] : nil }
            }
        }

        /// A reload and a SIGHUP with a file that is wrong.
        private func reload(_ churn: Churn, with text: String) async throws {
            let fleet = churn.fleet
            try await fleet.lab.director.write(text, to: "rsdirector.toml")
            let refused = try await fleet.director("reload")
            #expect(refused.status == 1, "\(refused.text)")
            let daemon = try #require(fleet.director)
            daemon.signal(SIGHUP)
            try await Deadline.wait(until: "a word of the wrong file") {
                try daemon.output.contains("the configuration in force stays as it is")
            }
            try await churn.moreRequests(20)
        }

        /// Direct routing: answers straight from the servers. Address translation: all from the director. Nobody in a server's name.
        private func judge(_ wire: Capture, _ lab: Lab) async throws {
            let servers = Set(lab.backends.map { "\($0.mac)" })
            #expect(Set(try await wire.sources("src host \(Way.direct.vip)").keys) == servers)
            let translated = try await wire.sources("src host \(Way.translated.vip)")
            #expect(Set(translated.keys) == ["\(lab.director.mac)"])
            let vips = [Way.direct, .translated].map { "host \($0.vip)" }.joined(separator: " or ")
            // To the client itself: what is for others the segment floods to it as well, once a link was down.
            let others = try await wire.frames("not (\(vips)) and ether dst \(lab.client.mac)")
            #expect(others.isEmpty, "\(others.prefix(5))")
        }
    }
}
