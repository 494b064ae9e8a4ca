import Lab
import NetworkAddress
import Testing

extension TheKernelLab {
    /// The kernel's IPVS sends by every way it knows, and the agent makes the real server fit for each. What is claimed of packets
    /// is read from captures at the real server and at the client.
    @Suite("The forwarding matrix", ForwardingMatrixScope(), .serialized)
    struct ForwardingMatrixTests {
        @Test(
            "what IPVS forwards is taken in and answered the right way, what others send is not, and the host is given back",
            arguments: ForwardingCell.chosen)
        func cell(_ cell: ForwardingCell) async throws {
            let fleet = try #require(ForwardingMatrixScope.fleet)
            do {
                try await judge(cell, fleet)
            } catch {
                // The next cell finds the real server as this one did.
                try await agent("teardown", cell.configuration(on: fleet), fleet)
                throw error
            }
            try await agent("teardown", cell.configuration(on: fleet), fleet)
            let difference = HostText.difference(fleet.untouched, try await fleet.text())
            #expect(difference.isEmpty, "\(difference)")
        }

        private func judge(_ cell: ForwardingCell, _ fleet: ForwardingFleet) async throws {
            if cell.hasIntruders {
                // An open door first: so it is known that the packets which the lock keeps out would have come in.
                try await agent("apply", cell.configuration(on: fleet, isLockedDown: false), fleet)
                let listener = try UDPListener(on: fleet.server, port: Intruder.port)
                for intruder in Intruder.allCases { try await intruder.enters(as: cell, fleet, heardBy: listener) }
            }
            try await agent("apply", cell.configuration(on: fleet), fleet)
            try await fleet.lab.director.script(cell.directorScript(on: fleet))
            try await ForwardingExchange(
                cell: cell, fleet: fleet, vip: ForwardingFleet.vip(isIPv6: cell.isIPv6),
                maximumSegment: cell.maximumSegment
            ).judge()
            if cell.hasIntruders {
                let listener = try UDPListener(on: fleet.server, port: Intruder.port)
                var counted = try await Intruder.counts(fleet)
                for intruder in Intruder.allCases {
                    counted = try await intruder.isKeptOut(as: cell, fleet, heardBy: listener, countedBefore: counted)
                }
            }
        }

        private func agent(_ command: String, _ configuration: String, _ fleet: ForwardingFleet) async throws {
            let file = try await fleet.server.write(configuration, to: "rsagent.toml")
            let made = try await fleet.server.run([Product.agent, command, "--config", file])
            guard made.status == 0 else { throw LabError("rsagent \(command): exit \(made.status): \(made.text)") }
        }
    }

    /// Who has no business in a tunnel.
    enum Intruder: String, CaseIterable {
        /// Not a director, and sends to the VIP: refused by the outer source.
        case stranger = "outer_source"
        /// Sent by a director, but to the host's own address: refused by the inner destination.
        case smuggler = "inner_destination"

        static let port: UInt16 = 9
        private static let farewell = "no tunnel"

        /// Sends one, which is delivered.
        func enters(as cell: ForwardingCell, _ fleet: ForwardingFleet, heardBy listener: UDPListener) async throws {
            try await send(as: cell, fleet)
            try await Deadline.wait(until: "what a \(self) sends through an open tunnel", limit: .seconds(5)) {
                listener.texts().contains(rawValue)
            }
        }

        /// Sends one, which is dropped and counted. Returns what is counted after it.
        func isKeptOut(
            as cell: ForwardingCell, _ fleet: ForwardingFleet, heardBy listener: UDPListener,
            countedBefore before: [Intruder: Int]
        ) async throws -> [Intruder: Int] {
            try await send(as: cell, fleet)
            // Sent after it, on the same wire, to the same socket.
            var heard: [String] = []
            try await Deadline.wait(until: "the datagram after what a \(self) sent") {
                heard += listener.texts()
                return heard.contains(Self.farewell)
            }
            #expect(heard == [Self.farewell], "what a \(self) sends through a locked tunnel")
            let after = try await Self.counts(fleet)
            for intruder in Self.allCases {
                let more = (after[intruder] ?? 0) - (before[intruder] ?? 0)
                #expect(intruder == self ? more > 0 : more == 0, "\(intruder.rawValue) counted \(more) of a \(self)'s")
            }
            return after
        }

        /// Sends one datagram as the director of this cell would pack it, by the kernel's own device, and one that is not
        /// packed.
        private func send(as cell: ForwardingCell, _ fleet: ForwardingFleet) async throws {
            let host = self == .stranger ? fleet.lab.client : fleet.lab.director
            let family = cell.isIPv6 ? "-6" : "-4"
            let own = ForwardingFleet.address(of: host, isIPv6: cell.isIPv6)
            let destination =
                self == .stranger
                ? ForwardingFleet.vip(isIPv6: cell.isIPv6)
                : ForwardingFleet.address(of: fleet.server, isIPv6: cell.isIPv6)
            let ends = [("local", host), ("remote", fleet.server)].map {
                "\($0) \(ForwardingFleet.address(of: $1, isIPv6: cell.isIPv6Outside))"
            }
            try await host.script(
                """
                ip link del spoof 2>/dev/null || :
                ip link add spoof up type \(cell.spoofDevice) \(ends.joined(separator: " "))
                ip \(family) route add default dev spoof src \(own) table 77
                ip \(family) rule add ipproto udp dport \(Self.port) lookup 77 pref 77
                echo \(rawValue) >/dev/udp/\(destination)/\(Self.port)
                ip \(family) rule del pref 77
                ip link del spoof
                echo "\(Self.farewell)" >/dev/udp/\(fleet.server.address)/\(Self.port)
                """)
        }

        /// What the lock has counted so far.
        static func counts(_ fleet: ForwardingFleet) async throws -> [Intruder: Int] {
            var counts: [Intruder: Int] = [:]
            let words = try await fleet.server.require("nft list counters table inet rsagent").output
                .split(whereSeparator: \.isWhitespace).map(String.init)
            // `counter NAME { packets NUMBER …`
            for intruder in Self.allCases {
                counts[intruder] = words.firstIndex(of: intruder.rawValue).flatMap { Int(words[$0 + 3]) }
            }
            return counts
        }
    }
}
