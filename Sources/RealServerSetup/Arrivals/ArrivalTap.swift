internal import CLinux
internal import Glibc
internal import Netlink
public import NetworkAddress
internal import Synchronization

/// Sees on the wire which new TCP connections come to some addresses of this host, and who handed each of them over: by the
/// MAC of the frame, or, where it came wrapped, by the tunnel's other end. Nothing on the host changes.
///
/// It is open only while somebody asks. What was not asked for in time is dropped by the kernel, whose buffer for it is small
/// and fixed (`SO_RCVBUF`); a director that goes on sending is seen by its next connection.
public final class ArrivalTap: Sendable {
    /// A new connection as it came in.
    public struct Sighting: Hashable, Sendable {
        /// The client's end.
        public var source: IPAddress
        /// The client's port.
        public var sourcePort: UInt16
        /// This host's end.
        public var destination: IPAddress
        /// This host's port.
        public var port: UInt16
        /// Who handed it over.
        public var origin: ArrivalOrigin
    }

    /// How many frames are read at most for one answer.
    static let batch = 4_096

    private struct State {
        var addresses: Set<IPAddress> = []
        /// -1: closed.
        var descriptor: Int32 = -1
    }

    private let directors: [IPAddress]
    private let guePorts: [UInt16]
    private let state = Mutex(State())

    /// Opens nothing yet.
    ///
    /// - Parameters:
    ///   - directors: whose MACs and tunnels are told from others'.
    ///   - guePorts: the UDP ports that GUE comes to.
    public init(directors: [IPAddress], guePorts: some Sequence<UInt16>) {
        self.directors = directors.map(\.unmapped)
        self.guePorts = Set(guePorts).sorted()
    }

    deinit { state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } } }

    /// What came in since the last call, each connection once, some thousands at most; never waits. From now on it looks for
    /// `addresses`; none: for nothing, and it is closed. To be called in the network namespace that is looked at.
    /// Equivalent to: `tcpdump -i any -Q in 'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn'`. Needs CAP_NET_RAW.
    public func sightings(lookingFor addresses: Set<IPAddress>) throws(SetupError) -> [Sighting] {
        var outcome = Result<[Sighting], SetupError>.success([])
        state.withLock { state in
            let frames = state.descriptor >= 0 ? Self.receive(state.descriptor, state.addresses) : []
            outcome = .success(identify(frames))
            guard addresses != state.addresses || (state.descriptor < 0 && !addresses.isEmpty) else { return }
            if state.descriptor >= 0 { close(state.descriptor) }
            state = State(addresses: addresses)
            guard !addresses.isEmpty else { return }
            do throws(SetupError) {
                state.descriptor = try open(addresses)
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Whether it looks for anything.
    var isOpen: Bool { state.withLock { $0.descriptor >= 0 } }

    private func open(_ addresses: Set<IPAddress>) throws(SetupError) -> Int32 {
        try Capability.requireRawPackets()
        let filter = ArrivalFilter(
            ipv4: addresses.compactMap { $0.v4?.rawValue }.sorted(),
            ipv6: Set(addresses.compactMap { $0.v6.map { UInt32(truncatingIfNeeded: $0.low) } }).sorted(),
            guePorts: guePorts)
        return try SentinelTap.openSocket(filter.instructions)
    }

    /// The frames that are there, with the interface each came in by.
    private static func receive(_ descriptor: Int32, _ addresses: Set<IPAddress>) -> Set<Seen> {
        var seen: Set<Seen> = []
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { buffer in
            for _ in 0..<batch {
                var link = sockaddr_ll()
                var length = socklen_t(MemoryLayout<sockaddr_ll>.size)
                let count = withUnsafeMutablePointer(to: &link) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, $0, &length)
                    }
                }
                guard count >= 0 else {
                    // Another error is a message of an interface that went down (ENETDOWN): reading it has cleared it.
                    if errno == EAGAIN { return }
                    continue
                }
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                guard let frame = ArrivalFrame(frame: bytes), addresses.contains(frame.destination) else { continue }
                seen.insert(Seen(frame: frame, interface: link.sll_ifindex))
            }
        }
        return seen
    }

    private struct Seen: Hashable {
        var frame: ArrivalFrame
        var interface: Int32
    }

    private func identify(_ seen: Set<Seen>) -> [Sighting] {
        guard !seen.isEmpty, let network = try? Network() else { return seen.map { sighting($0.frame, [:]) } }
        var neighbors: [Int32: [IPAddress: MACAddress]] = [:]
        for interface in Set(seen.map(\.interface)) {
            let known = (try? network.neighbors(interface: interface)) ?? []
            neighbors[interface] = Dictionary(
                known.compactMap { neighbor in neighbor.hardwareAddress.map { (neighbor.address, $0) } },
                uniquingKeysWith: { first, _ in first })
        }
        return seen.map { sighting($0.frame, neighbors[$0.interface] ?? [:]) }
    }

    private func sighting(_ frame: ArrivalFrame, _ neighbors: [IPAddress: MACAddress]) -> Sighting {
        Sighting(
            source: frame.source, sourcePort: frame.sourcePort, destination: frame.destination, port: frame.port,
            origin: ArrivalOrigin(of: frame, directors: directors, neighbors: neighbors))
    }
}

/// Who handed a packet over to this host.
public enum ArrivalOrigin: Hashable, Sendable {
    /// This configured director.
    case director(IPAddress)
    /// Somebody else, in words.
    case stranger(String)

    /// By the tunnel's other end, or else by the MAC, as far as `neighbors` tell whose that is.
    init(of frame: ArrivalFrame, directors: [IPAddress], neighbors: [IPAddress: MACAddress]) {
        if let outer = frame.outerSource?.unmapped {
            self =
                directors.contains(outer)
                ? .director(outer) : .stranger("tunnel source \(outer), which is no configured director's,")
            return
        }
        let owners = directors.filter { neighbors[$0] == frame.mac }
        switch owners.count {
        case 1: self = .director(owners[0])
        case 0: self = .stranger("MAC \(frame.mac), which is no configured director's as far as is known here,")
        default:
            let names = owners.map(\.description).joined(separator: ", ")
            self = .stranger("one of \(names), which all have MAC \(frame.mac),")
        }
    }
}
