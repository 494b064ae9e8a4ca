/// The IPv4 settings of an interface that decide what it says in ARP and what it takes
/// (Documentation/networking/ip-sysctl.rst).
public struct IPv4Settings: Sendable, Hashable {
    /// `arp_ignore`: which who-has are answered.
    public var ignore: Int
    /// `arp_announce`: which source address a who-has may carry.
    public var announce: Int
    /// `rp_filter`: whether the route back to a packet's source must lead to where it came from.
    public var reversePathFilter: Int

    /// The values.
    public init(ignore: Int = 0, announce: Int = 0, reversePathFilter: Int = 0) {
        self.ignore = ignore
        self.announce = announce
        self.reversePathFilter = reversePathFilter
    }

    /// The value of one of them.
    public subscript(key: IPv4Sysctl.Key) -> Int {
        get {
            switch key {
            case .arpIgnore: ignore
            case .arpAnnounce: announce
            case .reversePathFilter: reversePathFilter
            }
        }
        set {
            switch key {
            case .arpIgnore: ignore = newValue
            case .arpAnnounce: announce = newValue
            case .reversePathFilter: reversePathFilter = newValue
            }
        }
    }
}

/// One of the IPv4 sysctls, of one interface or of `conf.all`.
public struct IPv4Sysctl: Sendable, Hashable {
    /// Whose it is.
    public var scope: Scope
    /// Which of them it is.
    public var key: Key

    /// The sysctl `key` of `scope`.
    public init(_ key: Key, of scope: Scope) {
        self.scope = scope
        self.key = key
    }

    /// Which sysctl, by the kernel's name.
    public enum Key: String, Sendable, Hashable, Codable, CaseIterable {
        /// `arp_ignore`.
        case arpIgnore = "arp_ignore"
        /// `arp_announce`.
        case arpAnnounce = "arp_announce"
        /// `rp_filter`.
        case reversePathFilter = "rp_filter"
    }

    /// Whose sysctl it is.
    public enum Scope: Sendable, Hashable {
        /// `net.ipv4.conf.all`.
        case all
        /// `net.ipv4.conf.NAME` of the interface with this index; an index of 0 or less is one that is yet to be made.
        case interface(index: Int32, name: String)

        /// The name in the sysctl's path.
        public var name: String {
            switch self {
            case .all: "all"
            case .interface(_, let name): name
            }
        }
    }
}

extension IPv4Sysctl: CustomStringConvertible {
    /// The name as sysctl(8) takes it. An interface name may hold dots: then the path is written with slashes.
    public var description: String {
        scope.name.contains(".")
            ? "net/ipv4/conf/\(scope.name)/\(key.rawValue)" : "net.ipv4.conf.\(scope.name).\(key.rawValue)"
    }

    /// The file under `/proc/sys`.
    var path: String { "/proc/sys/net/ipv4/conf/\(scope.name)/\(key.rawValue)" }
}

extension IPv4Sysctl {
    /// Whether its interface is yet to be made.
    var isOfFutureInterface: Bool {
        if case .interface(let index, _) = scope { index <= 0 } else { false }
    }

    /// Whether both are the same sysctl: an interface is known by its index, for it may have been renamed.
    func isSame(as other: IPv4Sysctl) -> Bool {
        switch (scope, other.scope) {
        case (.all, .all): key == other.key
        case (.interface(let index, _), .interface(let otherIndex, _)): key == other.key && index == otherIndex
        default: false
        }
    }
}
