internal import Forwarding

extension StatusSnapshot {
    /// What `ipvsadm -L --stats` tells of a service or a server, and `--rate` for a second.
    public struct Figures: Codable, Sendable, Equatable {
        /// New connections given to a server.
        public var connections: UInt64
        /// Packets that clients sent.
        public var inboundPackets: UInt64
        /// Packets that they were sent, where answers pass here.
        public var outboundPackets: UInt64
        /// Bytes that clients sent: whole IP packets.
        public var inboundBytes: UInt64
        /// Bytes that they were sent, where answers pass here.
        public var outboundBytes: UInt64

        enum CodingKeys: String, CodingKey {
            case connections
            case inboundPackets = "inbound_packets"
            case outboundPackets = "outbound_packets"
            case inboundBytes = "inbound_bytes"
            case outboundBytes = "outbound_bytes"
        }

        /// Figures as given; what is left out is none.
        public init(
            connections: UInt64 = 0, inboundPackets: UInt64 = 0, outboundPackets: UInt64 = 0, inboundBytes: UInt64 = 0,
            outboundBytes: UInt64 = 0
        ) {
            self.connections = connections
            self.inboundPackets = inboundPackets
            self.outboundPackets = outboundPackets
            self.inboundBytes = inboundBytes
            self.outboundBytes = outboundBytes
        }

        /// In the order of ipvsadm's columns.
        var columns: [UInt64] { [connections, inboundPackets, outboundPackets, inboundBytes, outboundBytes] }

        /// The sum of both.
        static func + (left: Self, right: Self) -> Self {
            Self(
                connections: left.connections &+ right.connections,
                inboundPackets: left.inboundPackets &+ right.inboundPackets,
                outboundPackets: left.outboundPackets &+ right.outboundPackets,
                inboundBytes: left.inboundBytes &+ right.inboundBytes,
                outboundBytes: left.outboundBytes &+ right.outboundBytes)
        }
    }
}

extension StatusSnapshot.Figures {
    /// What was counted on a service.
    init(_ counted: ServiceStatistics) {
        self.init(connections: counted.connections, counted.inbound, counted.outbound)
    }

    /// What was counted on a server.
    init(_ counted: ServerStatistics) {
        self.init(connections: counted.connections, counted.inbound, counted.outbound)
    }

    /// What was counted for servers' own connections to the world.
    init(_ counted: OutboundStatistics) {
        self.init(connections: counted.connections, counted.inbound, counted.outbound)
    }

    private init(connections: UInt64, _ inbound: Traffic, _ outbound: Traffic) {
        self.init(
            connections: connections, inboundPackets: inbound.packets, outboundPackets: outbound.packets,
            inboundBytes: inbound.bytes, outboundBytes: outbound.bytes)
    }
}
