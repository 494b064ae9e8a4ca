import Glibc
import Lab
import Testing

extension TheLab {
    @Suite("Drained and undrained, again and again")
    struct DrainCycleTests {
        /// A few, where everything else is tested too; `RSLAB_DRAIN_CYCLES=100` takes five minutes.
        private static let cycles = getenv("RSLAB_DRAIN_CYCLES").flatMap { Int(String(cString: $0)) } ?? 6

        @Test("under load no request is lost, and --wait never returns before the server's last one")
        func cycles() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                try await fleet.startBackends()
                try await fleet.startDirector()
                try await fleet.ready()
                // A thousand ports for each lane, which has to get by with them.
                let load = try await Load(
                    from: lab.client, to: "http://\(Lab.vip)/", lanes: 4, pause: Self.cycles > 10 ? 0.4 : 0.02,
                    name: "load")
                var quiet: [(server: String, from: Double, until: Double)] = []
                for number in 0..<Self.cycles {
                    let host = lab.backends[number % lab.backends.count]
                    let drain = try await fleet.agent(host, "drain web --wait --timeout 60s")
                    let returned = WallClock.seconds
                    #expect(drain.status == 0, "cycle \(number): \(drain.text)")
                    // Long enough that who was not told yet would have sent something.
                    let answered = try await load.requests().count
                    try await Deadline.wait(until: "more requests") { try await load.requests().count >= answered + 8 }
                    quiet.append((host.name, returned, WallClock.seconds))
                    #expect(try await fleet.agent(host, "undrain web").status == 0)
                    try await Deadline.wait(until: "\(host.name) to serve again") {
                        let since = WallClock.seconds - 5
                        return try await load.requests().contains {
                            $0.server == host.name && $0.start > max(since, quiet[number].until)
                        }
                    }
                }
                let requests = try await load.stop()
                let lost = requests.filter { !$0.isAnswered }
                #expect(lost.isEmpty, "\(lost)")
                for (server, from, until) in quiet {
                    let late = requests.filter { $0.server == server && $0.end > from && $0.start < until }
                    #expect(late.isEmpty, "\(server) served after --wait had returned at \(from): \(late)")
                }
                print("\(Self.cycles) cycles: \(requests.count) requests, \(lost.count) lost")
                try await fleet.stop()
            }
        }
    }
}
