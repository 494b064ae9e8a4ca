import Lab

/// The story of the demo, chapter by chapter.
struct Story {
    private let stage: Stage
    private static let picture = """

          client          director        rs1             rs2             rs3
          curl            rsdirector      nginx, rsagent  nginx, rsagent  nginx, rsagent
          10.0.0.2        10.0.0.1        10.0.0.11       10.0.0.12       10.0.0.13
            │               │ VIP           │ VIP on lo     │ VIP on lo     │ VIP on lo
         ───┴───────────────┴───────────────┴───────────────┴───────────────┴──────
              request ─────►                  192.0.2.10:80
                            request ────────► by direct routing: a new MAC, nothing else
              ◄──────────────────────────────  the answer goes straight back

        """

    init(_ stage: Stage) { self.stage = stage }

    func tell() async throws {
        say(Self.picture)
        say("Five network namespaces of this machine, a bridge between them. Its own network is not touched.")
        let lab = try await stage.build()
        let fleet = Fleet(on: lab)
        var before: [String: String] = [:]
        for host in lab.hosts {
            try await fleet.configureAgent(on: host)
            before[host.name] = try await host.text()
        }

        try await makeReady(fleet)
        let capture = try await Capture(
            on: lab.client, name: "client", filter: "arp or (tcp and host \(Lab.vip))")
        try await direct(fleet)
        try await balance(fleet)
        try await drain(fleet)
        try await kill(fleet)
        try await judgeWire(fleet, capture)
        try await putBack(fleet, before)
        say("\nDone. Nothing is left behind.")
    }

    private func makeReady(_ fleet: Fleet) async throws {
        chapter("1. rsagent makes the backends ready")
        let first = fleet.lab.backends[0]
        for host in fleet.lab.backends { try await fleet.startWebServer(on: host) }
        show("rs1# rsagent plan", try await fleet.agent(first, "plan").output)
        for host in fleet.lab.backends { try await fleet.startAgent(on: host) }
        show("rs1# rsagent plan", try await fleet.agent(first, "plan").output)
        show(
            "rs1# ip -oneline addr show dev lo label lo:rsagent",
            try await first.require("ip -oneline addr show dev lo label lo:rsagent").output)
    }

    private func direct(_ fleet: Fleet) async throws {
        chapter("2. rsdirector takes the VIP, and hears from the agents who is up")
        say("It asks three times whether somebody else has the VIP before it claims it (RFC 5227): a few seconds.")
        try await fleet.startDirector()
        try await fleet.ready()
        show("director# rsdirector status", try await fleet.director("status").output)
    }

    private func balance(_ fleet: Fleet) async throws {
        chapter("3. 300 requests")
        let requests = try await Scenario.requests(300, on: fleet, name: "balance")
        say(figures(requests))
        try claim(requests.lost.isEmpty, "no request is lost")
        try claim(requests.byServer.count == Lab.backendCount, "every backend answers")
    }

    private func drain(_ fleet: Fleet) async throws {
        chapter("4. rs1 is drained, while requests and a download of 5 MB are under way")
        let host = fleet.lab.backends[0]
        let drain = try await Scenario.drain(host, on: fleet, name: "drain")
        show("rs1# rsagent drain web --wait --reason maintenance", drain.progress.joined(separator: "\n"))
        show("director# rsdirector status", try await fleet.director("status").output)
        say(
            "--wait returned \(milliseconds(drain.returnedAfterDownload)) after the download had ended, whole: "
                + "\(drain.downloaded) bytes.")
        say(figures(drain.requests) + ", sent to rs1 after --wait had returned: \(drain.afterwards)")
        try claim(drain.exitStatus == 0, "drain --wait exits with 0")
        try claim(drain.downloaded == WebServer.bigSize, "the download is whole")
        try claim(drain.returnedAfterDownload > 0, "--wait waits for the last connection")
        try claim(drain.requests.lost.isEmpty, "no request is lost across the drain")
        try claim(drain.afterwards == 0, "a drained server gets no new connection")
        show("rs1# rsagent undrain web", try await fleet.agent(host, "undrain", "web").output)
        try await fleet.ready()
        say("rs1 is served again.")
    }

    private func kill(_ fleet: Fleet) async throws {
        chapter("5. nginx on rs2 is killed with kill -9, while requests are under way")
        let host = fleet.lab.backends[1]
        let death = try await Scenario.kill(host, on: fleet, name: "kill")
        show("director# rsdirector status", try await fleet.director("status").output)
        say(
            "The last connection sent to rs2 reached it "
                + (death.lastSentTo.map { "\(milliseconds($0)) after its death." } ?? "before its death."))
        say(figures(death.requests) + "; lost without having been sent to rs2: \(death.lostElsewhere.count)")
        try claim(death.lostElsewhere.isEmpty, "only requests in flight on rs2 are lost")
        try await fleet.replaceWebServer(on: host)
        try await fleet.ready()
        say("nginx is started again, and rs2 is served again.")
    }

    private func judgeWire(_ fleet: Fleet, _ capture: Capture) async throws {
        chapter("6. What the client's wire says of all that (tcpdump)")
        try await capture.stop()
        let wire = try await Scenario.wire(capture)
        let names = Dictionary(uniqueKeysWithValues: fleet.lab.hosts.map { ("\($0.mac)", $0.name) })
        let named = { (counts: [String: Int]) in
            counts.map { "\(names[$0.key] ?? $0.key) \($0.value)" }.sorted().joined(separator: ", ")
        }
        say("Packets from the VIP, by the MAC they came from: \(named(wire.answers))")
        say("Answers to \"who has \(Lab.vip)\", by the MAC they came from: \(named(wire.owners))")
        try claim(
            Set(wire.answers.keys) == Set(fleet.lab.backends.map { "\($0.mac)" }),
            "all answers come straight from the backends")
        try claim(
            Set(wire.owners.keys) == ["\(fleet.lab.director.mac)"], "only the director answers for the VIP in ARP")
        try claim(Set(wire.announcers.keys) == ["\(fleet.lab.director.mac)"], "only the director announces the VIP")
    }

    private func putBack(_ fleet: Fleet, _ before: [String: String]) async throws {
        chapter("7. All stop, and put back what they found")
        try await fleet.stop()
        for host in fleet.lab.hosts {
            let difference = try await fleet.lab.changes(on: host, since: before[host.name] ?? "")
            try claim(
                difference.isEmpty, "\(host.name) is as it was before\(difference.isEmpty ? "" : ": \(difference)")")
        }
        say("Addresses, routes, sysctls, nftables and files of all hosts: as they were before, compared as text;")
        say("but for run/flows: the connections that rsdirector goes on with when it is started again.")
    }
}

extension Story {
    private func chapter(_ title: String) { say("\n── \(title)\n") }

    private func show(_ command: String, _ output: String) {
        say(command)
        for line in output.split(separator: "\n") { say("    \(line)") }
    }

    private func figures(_ requests: Scenario.Requests) -> String {
        let servers = requests.byServer.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return "\(requests.all.count) requests: \(servers.joined(separator: ", ")); lost: \(requests.lost.count)"
    }

    private func milliseconds(_ seconds: Double) -> String { "\(Int(seconds * 1000)) ms" }

    private func claim(_ isTrue: Bool, _ what: String) throws {
        guard isTrue else { throw LabError("not true: \(what)") }
    }
}
