import Glibc
import Lab
import NetworkAddress
import Testing

extension TheLab {
    /// UDP: real DNS servers, asked with dig, by direct routing and by address translation at once.
    @Suite("DNS servers behind the director")
    struct NameServiceTests {
        typealias Way = NameService.Way

        @Test(
            "questions are spread, answers and questions of several packets arrive whole; a drain loses none, a death only what went to the dead"
        )
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let service = try await NameService(on: lab)
                let wire = try await Capture(on: lab.client, name: "wire", filter: "udp")
                let atServer = try await Capture(on: lab.backends[0], name: "wire", filter: "ip and not port 9380")

                // 1. In turn to all three; an answer of three packets and a question of two, whole.
                for way in Way.allCases {
                    var counts: [String: Int] = [:]
                    for _ in 0..<30 { counts[try await service.ask(way), default: 0] += 1 }
                    #expect(counts == ["rs1": 10, "rs2": 10, "rs3": 10], "\(way)")
                    for _ in lab.backends {
                        let long = try await service.answer(way, "+bufsize=4096 \(DNSServer.longName)")
                        #expect(long.split { " \"\n".contains($0) }.map(String.init) == DNSServer.longText, "\(way)")
                        #expect(["rs1", "rs2", "rs3"].contains(try await service.askAtLength(way)), "\(way)")
                    }
                }
                try await atServer.stop()
                let pieces = "ip[6:2] & 0x3fff != 0"
                #expect(try await !wire.frames("\(pieces) and src host \(lab.client.address)").isEmpty)
                for destination in [Way.direct.vip, lab.backends[0].address] {
                    let question = "\(pieces) and src host \(lab.client.address) and dst host \(destination)"
                    #expect(try await atServer.sources(question).keys.sorted() == ["\(lab.director.mac)"])
                }

                // 2. Under load: drained, killed and back.
                let load = try await service.load()
                let (rs1, rs2) = (lab.backends[0], lab.backends[1])
                for way in Way.allCases { try await service.order("drain \(way.name) \(rs1.address)") }
                let drained = WallClock.seconds
                let quiet = try await Capture(on: rs1, name: "drained", filter: "udp dst port 53")
                try await load.more(40)
                try await quiet.stop()
                #expect(try await quiet.frames("").isEmpty, "questions to a drained server")
                for way in Way.allCases { try await service.order("undrain \(way.name) \(rs1.address)") }
                try await load.untilServed(by: rs1)

                let dead = try await Capture(on: rs2, name: "dead", filter: "udp dst port 53")
                try await service.kill(rs2)
                try await load.more(20)
                try await service.start(on: rs2)
                try await load.untilServed(by: rs2)
                try await dead.stop()
                let requests = try await load.stop()
                let lost = requests.filter { !$0.isAnswered }
                let sentToTheDead = try await dead.frames("src host \(lab.client.address)").joined(separator: "\n")
                let elsewhere = lost.filter { !sentToTheDead.contains(" \(lab.client.address).\($0.port) > ") }
                #expect(elsewhere.isEmpty, "\(elsewhere)")
                #expect(requests.contains { $0.server == "rs1" && $0.start < drained } && requests.count > 100)
                print("DNS: \(requests.count) questions, \(lost.count) lost, all sent to the dead server")

                // 3. Answers come straight from the servers, or all from the director; none in a server's own name.
                try await wire.stop()
                let direct = try await wire.sources("src host \(Way.direct.vip)")
                #expect(Set(direct.keys) == Set(lab.backends.map { "\($0.mac)" }))
                let translated = try await wire.sources("src host \(Way.translated.vip)")
                #expect(Set(translated.keys) == ["\(lab.director.mac)"])
                let others = try await wire.frames("not (host \(Way.direct.vip) or host \(Way.translated.vip))")
                #expect(others.isEmpty, "\(others.prefix(5))")
                try await service.stop()
            }
        }
    }

    /// Three DNS servers, an agent beside each, and a director with a service of UDP for each way of forwarding.
    final class NameService {
        enum Way: String, CaseIterable {
            case direct = "dr"
            case translated = "nat"

            var name: String { "dns-\(rawValue)" }
            var vip: IPv4Address { self == .direct ? IPv4Address(192, 0, 2, 10) : IPv4Address(192, 0, 2, 20) }
        }

        private let lab: Lab
        private let fleet: Fleet
        private var servers: [String: DNSServer] = [:]
        /// Below the ports of every load.
        private var port = 1_100

        init(on lab: Lab) async throws {
            (self.lab, fleet) = (lab, Fleet(on: lab))
            for host in lab.backends {
                try await start(on: host)
                try await fleet.startAgent(on: host, agentFile(for: host))
            }
            try await fleet.startDirector(directorFile)
            try await Deadline.wait(until: "three servers in both services", limit: .seconds(40)) { [fleet] in
                if let director = fleet.director, director.exitStatus != nil { throw LabError(try director.output) }
                let status = try await fleet.director("status").output
                return status.split(separator: "\n").count { $0.contains("-> 10.") && $0.contains(" up") } == 6
                    && !status.contains("not answered") && !status.contains("MAC not known")
            }
        }

        /// Starts dnsmasq on a backend.
        func start(on host: LabHost) async throws { servers[host.name] = try await DNSServer(on: host) }

        /// Asks once, from a port of its own; returns what dig says.
        func answer(_ way: Way, _ words: String) async throws -> String {
            port += 1
            let line = "\(DNSServer.question) -b 0.0.0.0#\(port) @\(way.vip) \(words) TXT"
            let run = try await lab.client.run(line.split(separator: " ").map(String.init))
            return run.status == 0 ? run.output : "exit \(run.status): \(run.text)"
        }

        /// Who answers a question that no single packet holds; dig would ask it over TCP.
        func askAtLength(_ way: Way) async throws -> String {
            let question = DNSServer.longQuestion.map { byte in
                let digits = String(byte, radix: 16)
                return "\\x" + (digits.count == 1 ? "0" : "") + digits
            }
            let script = """
                exec 3<>/dev/udp/\(way.vip)/53
                printf '\(question.joined())' | dd bs=4096 iflag=fullblock status=none >&3
                timeout 5 dd bs=4096 count=1 status=none <&3 | grep -ao 'rs[0-9]'
                """
            return try await lab.client.run(["bash", "-c", script]).output.filter { $0 != "\n" }
        }

        /// Who answers.
        func ask(_ way: Way) async throws -> String {
            try await answer(way, DNSServer.nameOfServer).filter { !"\"\n".contains($0) }
        }

        /// Has the director do something.
        func order(_ command: String) async throws {
            let done = try await fleet.director(command)
            guard done.status == 0 else { throw LabError("rsdirector \(command): \(done.text)") }
        }

        /// Kills a server, and waits until both services are without it.
        func kill(_ host: LabHost) async throws {
            servers[host.name]?.kill()
            try await Deadline.wait(until: "\(host.name) to be down", limit: .seconds(30)) {
                let lines = try await fleet.director("status").output.split(separator: "\n")
                return lines.count { $0.contains("-> \(host.address):") && $0.contains(" down") } == 2
            }
        }

        /// A steady load on both services.
        func load() async throws -> Questions {
            var loads: [Load] = []
            for way in Way.allCases {
                loads.append(
                    try await Load(
                        from: lab.client, asking: .serverName(at: way.vip), lanes: 2, pause: 0.05, name: way.name))
            }
            return Questions(loads: loads)
        }

        func stop() async throws {
            try await fleet.stop()
            for server in servers.values { try await server.process.stop() }
        }

        private func agentFile(for host: LabHost) -> String {
            let head = """
                interface = "eth0"
                directors = ["\(lab.director.address)"]
                run_dir   = "\(host.directory)/var/run"
                state_dir = "\(host.directory)/state"


                """
            return head
                + Way.allCases.map { way in
                    let own = way == .direct ? way.vip : host.address
                    return """
                        [[service]]
                        name     = "\(way.name)"
                        vip      = "\(way.vip)"
                        port     = 53
                        protocol = "udp"
                        forward  = "\(way.rawValue)"
                        [[service.check]]
                        exec     = ["/usr/bin/dig", "+time=1", "+tries=1", "@\(own)", "\(DNSServer.nameOfServer)", "TXT"]
                        interval = "1s"
                        timeout  = "1s"

                        """
                }.joined()
        }

        private var directorFile: String {
            let head = """
                interface = ["eth0"]
                run_dir   = "\(lab.director.directory)/var/run"


                """
            return head
                + Way.allCases.map { way in
                    """
                    [[service]]
                    name      = "\(way.name)"
                    vip       = "\(way.vip)"
                    port      = 53
                    protocol  = "udp"
                    forward   = "\(way.rawValue)"
                    scheduler = "rr"

                    """ + lab.backends.map { "[[service.server]]\naddress = \"\($0.address)\"\n" }.joined()
                }.joined()
        }
    }

    /// Loads on several services, as one.
    struct Questions {
        let loads: [Load]

        /// Waits until each has had so many more.
        func more(_ count: Int) async throws {
            for load in loads {
                let before = try await load.requests().count
                try await Deadline.wait(until: "\(count) more questions", every: .milliseconds(100)) {
                    try await load.requests().count >= before + count
                }
            }
        }

        /// Waits until a server answers what is asked from now on, everywhere.
        func untilServed(by host: LabHost) async throws {
            let start = WallClock.seconds
            for load in loads {
                try await Deadline.wait(until: "\(host.name) to answer", every: .milliseconds(100)) {
                    try await load.requests().contains { $0.server == host.name && $0.start > start }
                }
            }
        }

        func stop() async throws -> [Load.Request] {
            var requests: [Load.Request] = []
            for load in loads { requests += try await load.stop() }
            return requests
        }
    }
}
