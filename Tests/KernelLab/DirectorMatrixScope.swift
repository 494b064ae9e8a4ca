import Glibc
import Lab
import NetworkAddress
import Testing

/// One fleet for all cells that rsdirector serves: one agent with all their VIPs, one director with all their services.
struct DirectorMatrixScope: SuiteTrait, TestScoping {
    /// The fleet of the suite that runs.
    @TaskLocal static var fleet: ForwardingFleet?

    let isRecursive = false

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let fleet = try await ForwardingFleet(directedBy: .rsdirector)
        do {
            let unclampedServer = try await UnclampedServer(on: fleet.lab)
            let director = fleet.lab.director
            let untouched = try await director.text()
            let daemons = [
                try await fleet.server.start(
                    [
                        Product.agent, "run", "--config",
                        try await fleet.server.write(agentFile(fleet), to: "rsagent.toml"),
                    ],
                    log: "rsagent"),
                try await director.start(
                    [
                        Product.director, "run", "--config",
                        try await director.write(directorFile(fleet), to: "rsdirector.toml"),
                    ],
                    log: "rsdirector"),
            ]
            try await ready(director, daemons)
            try await Self.$fleet.withValue(fleet) { try await function() }
            for daemon in daemons.reversed() {
                let status = try await daemon.stop()
                guard status == 0 else { throw LabError("exit \(status): \(try daemon.output)") }
            }
            try await unclampedServer.remove()
            let left = [
                HostText.differenceOfDirector(untouched, try await director.text()),
                HostText.difference(fleet.untouched, try await fleet.text()),
            ]
            guard left.allSatisfy(\.isEmpty) else { throw LabError("left behind: \(left)") }
        } catch {
            try await fleet.remove()
            throw error
        }
        try await fleet.remove()
    }

    /// Waits until all VIPs are claimed and every server is up.
    private func ready(_ director: LabHost, _ daemons: [LabProcess]) async throws {
        var seen = ""
        do {
            try await Deadline.wait(until: "all cells' servers to be up", every: .milliseconds(500)) {
                for daemon in daemons where daemon.exitStatus != nil { throw LabError(try daemon.output) }
                seen = try await director.run(
                    [Product.director, "status", "--config", "\(director.directory)/rsdirector.toml"]
                ).text
                let servers = seen.split(separator: "\n").filter { $0.contains("-> [") || $0.contains("-> 10.") }
                return servers.count == ForwardingCell.directed.count + UnclampedServer.vips.count
                    && servers.allSatisfy { $0.contains(" up") && !$0.contains("MAC not known") }
                    && !seen.contains("not answered")
            }
        } catch {
            throw LabError(
                "\(error)\n\(seen)\n\(try daemons.map { try $0.output.suffix(2000) }.joined(separator: "\n"))")
        }
    }

    private func agentFile(_ fleet: ForwardingFleet) -> String {
        let lab = fleet.lab
        let directors = [false, true].map { "\"\(ForwardingFleet.address(of: lab.director, isIPv6: $0))\"" }
        return """
            interface = "eth0"
            directors = [\(directors.joined(separator: ", "))]
            run_dir   = "\(fleet.server.directory)/var/run"
            state_dir = "\(fleet.server.directory)/state"

            [report]
            listen = ["\(fleet.server.address):9380"]


            """ + ForwardingCell.directed.map(\.agentService).joined(separator: "\n")
    }

    private func directorFile(_ fleet: ForwardingFleet) -> String {
        """
        interface = ["eth0"]
        run_dir   = "\(fleet.lab.director.directory)/var/run"


        """
            + ForwardingCell.directed.map { $0.directorService(on: fleet) }.joined(separator: "\n")
            + UnclampedServer.directorServices(on: fleet.lab)
    }
}

// The cells as rsdirector and one agent serve them all at once: each has a VIP of its own.
extension ForwardingCell {
    /// Those that RSLAB_CELLS names (`-`: all), or else every way of forwarding once, and every pair of families for one kind of
    /// tunnel: in the guest a cell takes its time, and all kinds are wrapped by the same code.
    static let directed =
        getenv("RSLAB_CELLS") != nil
        ? chosen
        : chosen.filter { cell in
            switch cell.forwarding {
            case .dr: !cell.isByDirector && cell.isIPv6
            case .ipip: !cell.isByDirector || !cell.isIPv6 && !cell.isIPv6Outside
            case .gre: !cell.isByDirector && !cell.isIPv6 && !cell.isIPv6Outside
            case .gue: !cell.isByDirector && cell.isIPv6 && cell.isIPv6Outside
            case .nat: cell.isIPv6
            }
        }

    /// What clients of this cell connect to: 192.0.2.N or 2001:db8::N, N being 100 and more.
    var ownVIP: IPAddress {
        let number = 100 + (Self.all.firstIndex(of: self) ?? 0)
        return isIPv6
            ? .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: UInt64(number)))
            : .v4(IPv4Address(192, 0, 2, UInt8(number)))
    }

    /// The MSS that an agent offers which is told of directors of both families.
    var ownMaximumSegment: Int { maximumSegment(outer: 40) }

    /// What both files say of the service alike.
    private var common: String {
        """
        [[service]]
        name    = "\(name)"
        vip     = "\(ownVIP)"
        port    = 80
        forward = "\(isTunnelled ? "tun" : forwarding.rawValue)"
        reply   = "\(isByDirector ? "director" : "direct")"

        """ + (isTunnelled ? "tunnel  = \"\(forwarding.rawValue)\"\n" : "")
    }

    fileprivate var agentService: String {
        common + (forwarding == .nat ? "real_port = \(ForwardingFleet.realPort)\n" : "")
    }

    fileprivate func directorService(on fleet: ForwardingFleet) -> String {
        common + """
            [[service.server]]
            address = "\(ForwardingFleet.address(of: fleet.server, isIPv6: isIPv6Outside))"
            agent   = "http://\(fleet.server.address):9380"

            """ + (forwarding == .nat ? "port = \(ForwardingFleet.realPort)\n" : "")
    }
}
