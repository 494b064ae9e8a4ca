import Lab
import Testing

extension TheKernelLab {
    /// Real nginx behind rsdirector's tunnels, which the agents unwrap with the devices of Debian's kernel, and a steady load of small
    /// requests that is as much as an emulated machine can do.
    @Suite("Servers that come and go behind tunnels")
    struct TunnelChurnTests {
        @Test(
            "added, weighed, drained, killed and removed: nothing is lost but what was in flight on the one killed, and uploads of 100 MB go on"
        )
        func story() async throws {
            try Command.require("modprobe ipip")
            let lab = try await Lab()
            try await clearing(lab) {
                let (rs1, rs2, rs3) = (lab.backends[0], lab.backends[1], lab.backends[2])
                let churn = try await Churn(
                    on: lab, ways: [.tunnelled], size: 100_000_000, lanes: 1, pause: 0.5)
                let atClient = try await Capture(on: lab.client, name: "wire", filter: "tcp port 80")
                var atServers: [String: Capture] = [:]
                for host in lab.backends {
                    atServers[host.name] = try await Capture(
                        on: host, name: "wire", filter: "tcp port 80 or ip proto 4")
                }

                // 1. One server has an upload, which is not to notice anything of what follows.
                try await churn.beginUploads(on: rs1)
                try await churn.moreRequests(3)

                // 2. Another is added. All that is new is sent there, two uploads too, and then to both.
                try await churn.order("server add", rs2)
                try await churn.untilServed(by: rs2)
                let weighed = try await churn.order("server set", rs1, "--weight 0")
                for _ in 0..<2 { try await churn.beginUploads(on: rs2) }
                try await churn.moreRequests(5, silent: rs1, since: weighed)
                try await churn.order("server set", rs1, "--weight 3")
                try await churn.untilServed(by: rs1)

                // 3. A third one, and while the second is drained what is open there goes on to its end.
                try await churn.order("server add", rs3)
                try await churn.untilServed(by: rs3)
                let drained = try await churn.order("drain", rs2)
                try await churn.moreRequests(8, silent: rs2, since: drained)
                let up = WallClock.seconds
                #expect(try await churn.finishUploads() == [], "an upload to a drained server")
                let down = WallClock.seconds
                try await churn.order("undrain", rs2)
                try await churn.untilServed(by: rs2)

                // 4. The same down.
                let fetched = WallClock.seconds
                #expect(try await churn.fetch() == [], "100 MB down")
                let seconds = (up: down - up, down: WallClock.seconds - fetched)

                // 5. It dies, and what was in flight there with it; then it is removed.
                try await churn.kill(rs2)
                try await churn.moreRequests(5, silent: rs2)
                #expect(try await churn.finishUploads().count == 1, "an upload to a killed server is lost")
                try await churn.order("server remove", rs2)

                // 6. The third is removed, once it has proven that nothing is open there.
                let proof = try await churn.fleet.agent(rs3, "drain --wait --timeout 5m")
                #expect(proof.status == 0, "\(proof.text)")
                let removed = try await churn.order("server remove", rs3)
                try await churn.moreRequests(5, silent: rs3, since: removed)
                #expect(churn.areFirstUploadsOpen)
                #expect(try await churn.finishUploads() == [], "an upload that was there from the start")

                let outcome = try await churn.end()
                #expect(outcome.lostElsewhere.isEmpty, "\(outcome.lostElsewhere)")
                #expect(outcome.broken.isEmpty, "new connections to servers that were to have none: \(outcome.broken)")
                #expect(outcome.uncounted.isEmpty, "connections without their request: \(outcome.uncounted)")
                print("churn behind a tunnel: \(outcome.summary)")
                print("100 MB up in \(Int(seconds.up)) s, down in \(Int(seconds.down)) s")

                try await atClient.stop()
                try await judge(atClient, lab)
                for host in lab.backends {
                    guard let capture = atServers[host.name] else { continue }
                    try await capture.stop()
                    try await judge(capture, at: host, lab)
                }
                try await churn.fleet.stop()
            }
        }

        /// Answers come straight from the servers, and all from a VIP.
        private func judge(_ wire: Capture, _ lab: Lab) async throws {
            let vip = Way.tunnelled.vip
            let answers = try await wire.sources("src host \(vip)")
            #expect(Set(answers.keys) == Set(lab.backends.map { "\($0.mac)" }))
            let others = try await wire.frames("not host \(vip) and ether dst \(lab.client.mac)")
            #expect(others.isEmpty, "\(others.prefix(5))")
        }

        /// What comes in is wrapped, by the director; nothing comes otherwise.
        private func judge(_ wire: Capture, at host: LabHost, _ lab: Lab) async throws {
            let requests = try await wire.sources("ip proto 4 and ether dst \(host.mac)")
            #expect(requests.keys.sorted() == ["\(lab.director.mac)"], "\(host.name)")
            let bare = try await wire.frames("not ip proto 4 and ether dst \(host.mac)")
            #expect(bare.isEmpty, "\(host.name): \(bare.prefix(5))")
        }
    }
}
