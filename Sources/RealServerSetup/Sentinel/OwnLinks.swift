internal import Netlink
internal import NetworkAddress

/// The names and MACs of this host's own interfaces, by which its own claims are told from those it only carries (as a
/// bridge does for its guests).
///
/// Belongs to the namespace of the thread that made it; used by one thread at a time.
struct OwnLinks: ~Copyable {
    typealias Instant = ContinuousClock.Instant

    /// How old a listing may be: a flood of leaks must not become a flood of listings.
    private static let freshness = Duration.seconds(1)

    private let network: Network
    private var names: [Int32: String] = [:]
    private var macs: Set<MACAddress> = []
    private var listed: Instant?

    /// Connects to rtnetlink(7) in the calling thread's namespace. Needs no capability.
    init() throws(SetupError) {
        do throws(NetlinkError) {
            network = try Network()
        } catch {
            throw .netlink(error)
        }
    }

    /// The interface's name; of one that is gone already, its number.
    mutating func name(of interface: Int32, now: Instant) -> String {
        refresh(now)
        return names[interface] ?? "interface \(interface)"
    }

    /// Whether one of this host's interfaces has this MAC.
    mutating func contains(_ mac: MACAddress, now: Instant) -> Bool {
        refresh(now)
        return macs.contains(mac)
    }

    private mutating func refresh(_ now: Instant) {
        if let listed, now - listed < Self.freshness { return }
        // Where the kernel does not answer, what was known last is better than nothing.
        guard let links = try? network.links() else { return }
        listed = now
        names = Dictionary(links.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
        macs = Set(links.compactMap(\.hardwareAddress))
    }
}
